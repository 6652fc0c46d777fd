"""Whether jobs can still come is proved by a new connection, never by the one that is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.halting import halted

from osapi.agent.reach import Reach
from osapi.transport.address import Address
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio

NOWHERE = Address(servers=("nats://127.0.0.1:9",))


async def test_a_broker_that_answers_is_reached(nats_server: Any, broker: Broker) -> None:
    reach = Reach()
    reach.use(nats_server.address, broker)
    assert await reach(0.0, 5.0) is True


async def test_without_an_address_nothing_is_reached() -> None:
    assert await Reach()(0.0, 5.0) is False


async def test_the_connection_that_is_there_proves_nothing(broker: Broker) -> None:
    reach = Reach()
    reach.use(NOWHERE, broker)
    assert await reach(0.0, 0.2) is False
    assert broker.is_connected


async def test_a_broker_that_is_silent_is_not_reached_and_one_that_wakes_up_in_time_is(
    nats_server: Any, broker: Broker
) -> None:
    reach = Reach()
    reach.use(nats_server.address, broker)
    with halted(nats_server.pid):
        assert await reach(0.0, 0.2) is False
        late = asyncio.create_task(reach(0.0, 10.0))
        await asyncio.sleep(0.1)
        assert not late.done()
    assert await late is True


async def test_the_round_trip_waits_until_the_change_has_settled(nats_server: Any, broker: Broker) -> None:
    reach = Reach()
    reach.use(nats_server.address, broker)
    began = asyncio.get_running_loop().time()
    assert await reach(0.1, 5.0) is True
    assert asyncio.get_running_loop().time() - began >= 0.1
