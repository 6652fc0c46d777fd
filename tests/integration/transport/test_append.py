from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from osapi.contract.errors import Conflict, TooLarge, Unavailable
from osapi.transport.broker import Broker, Message
from osapi.transport.layout import Layout
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio


@pytest.fixture
async def broker(broker: Broker) -> Broker:
    await provision(broker, Layout())
    return broker


async def collect(broker: Broker, subject: str) -> list[Message]:
    seen: list[Message] = []

    async def note(message: Message) -> None:
        seen.append(message)

    await broker.subscribe(subject, note)
    await broker.flush()
    return seen


async def test_messages_get_consecutive_sequences(broker: Broker) -> None:
    assert [await broker.append("jobs.query._all", b"x") for _ in range(3)] == [1, 2, 3]


async def test_many_at_once_get_each_their_own_sequence(broker: Broker) -> None:
    sequences = await asyncio.gather(*(broker.append("jobs.query._all", b"%d" % n) for n in range(300)))
    assert sorted(sequences) == list(range(1, 301))


async def test_a_message_id_seen_before_stores_nothing_and_returns_the_first_sequence(broker: Broker) -> None:
    first = await broker.append("jobs.query._all", b"x", message_id="job-1")
    assert await broker.append("jobs.query._all", b"x", message_id="job-1") == first
    assert await broker.append("jobs.query._all", b"x", message_id="job-2") == first + 1


async def test_another_last_sequence_than_expected_is_a_conflict(broker: Broker) -> None:
    last = await broker.append("jobs.query._all", b"x", expect_last=0)
    with pytest.raises(Conflict):
        await broker.append("jobs.query._all", b"y", expect_last=0)
    assert await broker.append("jobs.query._all", b"y", expect_last=last) == last + 1


async def test_what_is_stored_is_repeated_live_with_its_sequence(broker: Broker, eventually: Any) -> None:
    seen = await collect(broker, "live.jobs.>")
    first = await broker.append("jobs.query._all", b"one", headers={"Traceparent": "t"})
    second = await broker.append("jobs.query._all", b"two")
    await eventually(lambda: len(seen) == 2)
    assert [(message.subject, message.data) for message in seen] == [
        ("live.jobs.query._all", b"one"),
        ("live.jobs.query._all", b"two"),
    ]
    assert [message.headers["Nats-Sequence"] for message in seen] == [str(first), str(second)]
    assert [message.headers["Nats-Last-Sequence"] for message in seen] == ["0", str(first)]
    assert seen[0].headers["Traceparent"] == "t"


async def test_a_full_stream_refuses_and_repeats_nothing(broker: Broker) -> None:
    layout = Layout()
    await provision(broker, replace(layout, jobs=replace(layout.jobs, max_msgs=10)))
    live = await collect(broker, "live.jobs.>")
    for number in range(10):
        await broker.append("jobs.query._all", b"%d" % number)
    for _ in range(20):
        with pytest.raises(Unavailable, match="maximum messages exceeded") as caught:
            await broker.append("jobs.query._all", b"too much")
        assert caught.value.error_code == "refused"
    await broker.flush()
    assert [message.data for message in live] == [b"%d" % number for number in range(10)]
    assert await broker.stream("JOBS").count() == 10


async def test_a_stream_full_by_bytes_refuses_too(broker: Broker) -> None:
    layout = Layout()
    await provision(broker, replace(layout, jobs=replace(layout.jobs, max_bytes=4096)))
    with pytest.raises(Unavailable, match="maximum bytes exceeded"):
        await asyncio.gather(*(broker.append("jobs.query._all", b"x" * 1000) for _ in range(10)))


async def test_without_a_stream_for_the_subject_it_fails_at_once(broker: Broker) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="nobody listens"):
        await broker.append("unheard.of", b"x")
    assert time.monotonic() - started < 1


async def test_an_answer_of_something_that_is_no_stream_is_not_taken_for_success(broker: Broker) -> None:
    async def answer(message: Message) -> None:
        await message.respond(b"thank you")

    await broker.subscribe("unheard.of", answer)
    with pytest.raises(Unavailable, match="no stream takes"):
        await broker.append("unheard.of", b"x")


async def test_a_message_above_the_limit_is_refused(broker: Broker) -> None:
    with pytest.raises(TooLarge):
        await broker.append("jobs.query._all", b"x" * (broker.link.client.max_payload + 1))


async def test_what_was_stored_before_a_kill_is_there_after_it(nats_server: Any, broker: Broker) -> None:
    stored: list[int] = []
    asyncio.get_running_loop().call_later(0.3, nats_server.kill)
    with pytest.raises(Unavailable):
        await _append_without_end(broker, stored)
    nats_server.start()
    await asyncio.wait_for(broker.link.up.wait(), 5)
    assert len(stored) > 10
    assert len(stored) <= await broker.stream("JOBS").count() <= len(stored) + 1


async def _append_without_end(broker: Broker, stored: list[int]) -> None:
    while True:
        stored.append(await broker.append("jobs.query._all", b"x"))


async def test_repeating_an_append_after_an_outage_stores_it_once(nats_server: Any, broker: Broker) -> None:
    nats_server.kill()
    appending = asyncio.create_task(_insist(broker))
    await asyncio.sleep(0.2)
    nats_server.start()
    await asyncio.wait_for(appending, 10)
    await _insist(broker)
    assert await broker.stream("JOBS").count() == 1


async def _insist(broker: Broker) -> int:
    while True:
        try:
            return await broker.append("jobs.query._all", b"x", message_id="the-one")
        except Unavailable:
            await asyncio.sleep(0.02)


async def test_namespaces_have_streams_of_their_own(nats_server: Any, connect: Any, eventually: Any) -> None:
    one = await connect(replace(nats_server.address, namespace="one"))
    two = await connect(replace(nats_server.address, namespace="two"))
    await provision(one, Layout())
    await provision(two, Layout())
    heard_one, heard_two = await collect(one, "live.jobs.>"), await collect(two, "live.jobs.>")
    await one.append("jobs.query._all", b"for one")
    await eventually(lambda: heard_one)
    assert heard_one[0].subject == "live.jobs.query._all"
    assert await one.stream("JOBS").count() == 1
    assert await two.stream("JOBS").count() == 0
    await two.flush()
    assert heard_two == []
