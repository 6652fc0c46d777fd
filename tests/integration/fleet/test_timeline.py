"""The timelines of agents on a real broker, as two controllers keep them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import Connect, Eventually

from osapi.contract.ids import MachineId
from osapi.fleet.models import TimelineEvent
from osapi.fleet.timeline import KEPT, Timelines
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio
HOST = MachineId("a" * 32)
START = datetime(2026, 1, 2, tzinfo=UTC)


def event(number: int) -> TimelineEvent:
    return TimelineEvent(timestamp=START + timedelta(seconds=number), event="returned", hostname="web-01")


async def test_the_newest_are_kept_in_their_order_whoever_adds_them(
    broker: Broker, connect: Connect, eventually: Eventually
) -> None:
    await provision(broker, Layout())
    timelines = [Timelines((await connect()).bucket("agent-state")) for _ in range(2)]
    await asyncio.gather(*(each.start() for each in timelines))
    for number in range(KEPT + 10):
        await asyncio.gather(*(each.add(HOST, event(number)) for each in timelines))
    newest = [event(number) for number in range(10, KEPT + 10)]
    await eventually(lambda: all(list(each.events(HOST)) == newest for each in timelines))
    later = Timelines(broker.bucket("agent-state"))
    await later.start()
    assert list(later.events(HOST)) == newest
    await later.forget(HOST)
    await eventually(lambda: not timelines[0].events(HOST))
    for each in (*timelines, later):
        await each.stop()
