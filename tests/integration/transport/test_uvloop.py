"""uvloop halves the cost of a message and differs in how a lost socket shows: the whole package on it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop

from osapi.contract.errors import Unavailable
from osapi.transport.broker import Broker, Message
from osapi.transport.bucket import Entry
from osapi.transport.layout import Layout
from osapi.transport.provision import provision


def test_everything_works_across_kills_and_restarts(nats_server: Any, eventually: Any) -> None:
    async def run() -> None:
        broker = await Broker.connect(nats_server.address, name="test")
        try:
            await _kill_and_restart(nats_server, broker, eventually)
        finally:
            await broker.close()

    uvloop.run(run())


async def _kill_and_restart(nats_server: Any, broker: Broker, eventually: Any) -> None:
    assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
    await provision(broker, Layout())
    bucket, queue = broker.bucket("job-queue"), broker.pull_queue("JOBS", "any")
    entries: list[Entry] = []
    live: list[bytes] = []
    taken: list[bytes] = []

    async def hear(message: Message) -> None:
        live.append(message.data)

    async def work() -> None:
        while True:
            delivery = await queue.fetch(5)
            if delivery is not None:
                taken.append(delivery.data)
                await delivery.ack_sync()

    await broker.subscribe("live.jobs.>", hear)
    watch = await bucket.watch(">", entries.append)
    working = asyncio.create_task(work())
    for round_ in range(3):
        name = b"%d" % round_
        await asyncio.gather(*(bucket.put(f"jobs.{round_}.{number}", b"x") for number in range(200)))
        await broker.append("jobs.query._any", name)
        await eventually(lambda name=name: name in live and name in taken)
        await asyncio.sleep(0.3)  # until the acknowledgement is on the broker's disk
        nats_server.kill()
        with pytest.raises(Unavailable):
            await _publish_without_end(broker)
        await eventually(lambda: not broker.is_connected)
        nats_server.start()
        await eventually(lambda: broker.is_connected)
    await eventually(lambda: watch.restarts == 3)
    assert [entry.revision for entry in entries] == list(range(1, 601))
    assert live == [b"0", b"1", b"2"]
    assert set(taken) == {b"0", b"1", b"2"}
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def _publish_without_end(broker: Broker) -> None:
    while True:
        await broker.publish("x", b"x" * 1000)
