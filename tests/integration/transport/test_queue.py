from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from osapi.contract.errors import Unavailable
from osapi.transport.address import Credentials
from osapi.transport.broker import Broker
from osapi.transport.layout import ANY, Layout
from osapi.transport.provision import provision
from osapi.transport.queue import Delivery, PullQueue

pytestmark = pytest.mark.anyio

ACK_WAIT = timedelta(milliseconds=400)
SUBJECT = "jobs.query._any"


@pytest.fixture
async def broker(broker: Broker) -> Broker:
    await provision(broker, Layout(durables=(replace(ANY, ack_wait=ACK_WAIT, max_deliver=3),)))
    return broker


@pytest.fixture
def queue(broker: Broker) -> PullQueue:
    return broker.pull_queue("JOBS", "any")


async def must(delivery: Any) -> Delivery:
    found = await delivery
    assert found is not None
    return found


async def test_a_message_is_fetched_with_subject_headers_sequence_and_count(broker: Broker, queue: PullQueue) -> None:
    sequence = await broker.append("jobs.modify._any", b"work", headers={"Traceparent": "t"})
    delivery = await must(queue.fetch(5))
    assert (delivery.subject, delivery.data, delivery.sequence, delivery.delivered_count) == (
        "jobs.modify._any",
        b"work",
        sequence,
        1,
    )
    assert delivery.headers["Traceparent"] == "t"
    await delivery.ack_sync()
    assert await queue.fetch(0.6) is None


async def test_fetching_takes_only_what_is_for_anybody(broker: Broker, queue: PullQueue) -> None:
    await broker.append("jobs.query._all", b"no")
    await broker.append("jobs.query.host.a", b"no")
    await broker.append("jobs.query._any", b"yes")
    assert (await must(queue.fetch(5))).data == b"yes"


async def test_without_a_message_fetch_ends_after_its_time(queue: PullQueue) -> None:
    started = time.monotonic()
    assert await queue.fetch(0.3) is None
    assert 0.25 < time.monotonic() - started < 2


async def test_a_waiting_fetch_gets_a_message_as_it_comes(broker: Broker, queue: PullQueue) -> None:
    fetching = asyncio.create_task(queue.fetch(10))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await broker.append(SUBJECT, b"x")
    delivery = await must(fetching)
    assert time.monotonic() - started < 1
    await delivery.ack_sync()


async def test_of_five_workers_exactly_one_gets_each_of_two_hundred(broker: Broker, connect: Any) -> None:
    taken: Counter[bytes] = Counter()
    by_worker: Counter[int] = Counter()

    async def work(number: int, worker: PullQueue) -> None:
        while (delivery := await worker.fetch(1.5)) is not None:
            taken[delivery.data] += 1
            by_worker[number] += 1
            await delivery.ack_sync()

    workers = [(await connect()).pull_queue("JOBS", "any") for _ in range(5)]
    working = [asyncio.create_task(work(number, worker)) for number, worker in enumerate(workers)]
    for number in range(200):
        await broker.append(SUBJECT, b"%d" % number)
    await asyncio.gather(*working)
    assert len(taken) == 200
    assert set(taken.values()) == {1}
    assert len(by_worker) == 5


async def test_what_is_not_acknowledged_is_delivered_again_after_the_ack_wait(broker: Broker, queue: PullQueue) -> None:
    await broker.append(SUBJECT, b"x")
    first = await must(queue.fetch(5))
    started = time.monotonic()
    second = await must(queue.fetch(5))
    assert time.monotonic() - started > ACK_WAIT.total_seconds() * 0.8
    assert (first.delivered_count, second.delivered_count) == (1, 2)
    assert first.sequence == second.sequence
    await second.ack_sync()


async def test_progress_keeps_it_from_being_delivered_again(broker: Broker, queue: PullQueue) -> None:
    await broker.append(SUBJECT, b"x")
    delivery = await must(queue.fetch(5))
    other = asyncio.create_task(queue.fetch(ACK_WAIT.total_seconds() * 3))
    for _ in range(12):
        await asyncio.sleep(ACK_WAIT.total_seconds() / 4)
        await delivery.in_progress()
    assert await other is None
    await delivery.ack_sync()


async def test_what_is_given_back_is_delivered_again_at_once_or_after_the_delay(
    broker: Broker, queue: PullQueue
) -> None:
    await broker.append(SUBJECT, b"x")
    await (await must(queue.fetch(5))).nak()
    started = time.monotonic()
    second = await must(queue.fetch(5))
    assert time.monotonic() - started < ACK_WAIT.total_seconds() * 0.7
    await second.nak(0.8)
    third = await must(queue.fetch(5))
    assert time.monotonic() - started > 0.7
    assert (second.delivered_count, third.delivered_count) == (2, 3)


async def test_what_is_ended_is_never_delivered_again(broker: Broker, queue: PullQueue) -> None:
    await broker.append(SUBJECT, b"x")
    await (await must(queue.fetch(5))).term("cannot be read")
    assert await queue.fetch(ACK_WAIT.total_seconds() * 2) is None


async def test_what_was_delivered_too_often_becomes_a_dead_letter(
    broker: Broker, queue: PullQueue, eventually: Any
) -> None:
    sequence = await broker.append(SUBJECT, b"poison")
    for count in (1, 2, 3):
        assert (await must(queue.fetch(5))).delivered_count == count
    assert await queue.fetch(ACK_WAIT.total_seconds() * 2) is None
    letters = await broker.stream("JOBS-DLQ").newest(10)
    assert len(letters) == 1
    advisory = msgspec.json.decode(letters[0].data)
    assert (advisory["stream"], advisory["consumer"], advisory["stream_seq"]) == ("JOBS", "any", sequence)


async def test_a_message_for_a_cancelled_fetch_goes_to_somebody_else_at_once(
    broker: Broker, queue: PullQueue, connect: Any
) -> None:
    fetching = asyncio.create_task(queue.fetch(30))
    await asyncio.sleep(0.1)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    other = (await connect()).pull_queue("JOBS", "any")
    waiting = asyncio.create_task(other.fetch(5))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await broker.append(SUBJECT, b"x")
    delivery = await must(waiting)
    assert time.monotonic() - started < ACK_WAIT.total_seconds() * 0.7
    await delivery.ack_sync()


async def test_a_worker_that_is_gone_holds_nothing_back(broker: Broker, connect: Any) -> None:
    gone = await connect()
    fetching = asyncio.create_task(gone.pull_queue("JOBS", "any").fetch(30))
    await asyncio.sleep(0.1)
    await gone.close()
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    await broker.append(SUBJECT, b"x")
    other = (await connect()).pull_queue("JOBS", "any")
    started = time.monotonic()
    delivery = await must(other.fetch(5))
    assert time.monotonic() - started < 1
    await delivery.ack_sync()


async def test_after_kill_and_restart_the_waiting_fetch_pulls_again_at_once(
    nats_server: Any, broker: Broker, connect: Any, eventually: Any
) -> None:
    worker = await connect()
    queue = worker.pull_queue("JOBS", "any")
    fetching = asyncio.create_task(queue.fetch(30))
    await asyncio.sleep(0.1)
    for _ in range(2):
        nats_server.kill()
        await eventually(lambda: not worker.is_connected)
        nats_server.start()
        await eventually(lambda: worker.is_connected and broker.is_connected)
    started = time.monotonic()
    await broker.append(SUBJECT, b"after")
    delivery = await must(asyncio.wait_for(fetching, 10))
    assert time.monotonic() - started < 1
    await delivery.ack_sync()


async def test_after_an_orderly_restart_it_pulls_again_too(
    nats_server: Any, broker: Broker, connect: Any, eventually: Any
) -> None:
    worker = await connect()
    fetching = asyncio.create_task(worker.pull_queue("JOBS", "any").fetch(30))
    await asyncio.sleep(0.1)
    nats_server.restart()
    await eventually(lambda: worker.is_connected and broker.is_connected)
    await _insist(broker)
    delivery = await must(asyncio.wait_for(fetching, 10))
    await delivery.ack_sync()


async def _insist(broker: Broker) -> None:
    while True:
        try:
            await broker.append(SUBJECT, b"x", message_id="one")
        except Unavailable:
            await asyncio.sleep(0.02)
        else:
            return


async def test_while_the_broker_is_away_fetch_waits_its_time(nats_server: Any, queue: PullQueue) -> None:
    nats_server.kill()
    started = time.monotonic()
    assert await queue.fetch(0.5) is None
    assert 0.4 < time.monotonic() - started < 2


async def test_a_queue_that_is_made_later_is_found(nats_server: Any, connect: Any) -> None:
    worker, controller = await connect(), await connect()
    fetching = asyncio.create_task(worker.pull_queue("JOBS", "any").fetch(20))
    await asyncio.sleep(0.3)
    await provision(controller, Layout())
    await controller.append(SUBJECT, b"x")
    started = time.monotonic()
    delivery = await must(fetching)
    assert time.monotonic() - started < 2
    await delivery.ack_sync()


async def test_an_acknowledgement_survives_a_kill_when_it_is_two_seconds_old(
    nats_server: Any, broker: Broker, queue: PullQueue, eventually: Any
) -> None:
    """A younger one need not: nats-server writes the state of a consumer to disk a moment later."""
    await broker.append(SUBJECT, b"x")
    await (await must(queue.fetch(5))).ack_sync()
    await asyncio.sleep(2)
    nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    nats_server.start()
    await eventually(lambda: broker.is_connected)
    assert await queue.fetch(1) is None


async def test_acknowledging_without_a_broker_says_so(
    nats_server: Any, broker: Broker, queue: PullQueue, eventually: Any
) -> None:
    await broker.append(SUBJECT, b"x")
    delivery = await must(queue.fetch(5))
    nats_server.kill()
    with pytest.raises(Unavailable):
        await delivery.ack_sync(timeout_s=1)
    for attempt in (delivery.nak, delivery.in_progress, lambda: delivery.term("why")):
        with pytest.raises(Unavailable):
            await attempt()


async def test_two_fetches_at_once_take_turns(broker: Broker, queue: PullQueue) -> None:
    for number in range(2):
        await broker.append(SUBJECT, b"%d" % number)
    first, second = await asyncio.gather(must(queue.fetch(5)), must(queue.fetch(5)))
    assert {first.data, second.data} == {b"0", b"1"}


async def test_a_thousand_workers_may_wait_at_the_same_time(broker: Broker) -> None:
    queues = [broker.pull_queue("JOBS", "any") for _ in range(1000)]
    fetching = [asyncio.create_task(queue.fetch(20)) for queue in queues]
    await asyncio.sleep(0.5)
    await broker.append(SUBJECT, b"x")
    done, waiting = await asyncio.wait(fetching, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [(await must(_value(task))).data for task in done] == [b"x"]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _value(task: asyncio.Task[Any]) -> Any:
    return task.result()


async def test_a_worker_needs_the_right_to_pull_and_to_acknowledge_only(nats_server: Any, connect: Any) -> None:
    rights = (
        'permissions: { publish: ["$JS.API.CONSUMER.MSG.NEXT.JOBS.any", "$JS.ACK.JOBS.any.>"],'
        ' subscribe: ["_INBOX_a.>"] }'
    )
    nats_server.configure(
        'authorization { users = [ { user: "c", password: "p" }, { user: "a", password: "p", ' + rights + " } ] }"
    )
    nats_server.restart()
    controller = await connect(replace(nats_server.address, auth=Credentials(username="c", password="p")))
    await provision(controller, Layout())
    agent = await connect(replace(nats_server.address, auth=Credentials(username="a", password="p"), inbox="_INBOX_a"))
    await controller.append(SUBJECT, b"x")
    delivery = await must(agent.pull_queue("JOBS", "any").fetch(5))
    await delivery.in_progress()
    await delivery.ack_sync()


async def test_namespaces_have_queues_of_their_own(nats_server: Any, connect: Any) -> None:
    one = await connect(replace(nats_server.address, namespace="one"))
    two = await connect(replace(nats_server.address, namespace="two"))
    await provision(one, Layout())
    await provision(two, Layout())
    await one.append(SUBJECT, b"x")
    assert await two.pull_queue("JOBS", "any").fetch(0.3) is None
    delivery = await must(one.pull_queue("JOBS", "any").fetch(5))
    assert delivery.subject == SUBJECT
    await delivery.ack_sync()


async def test_a_message_that_meets_a_cancellation_is_given_back(
    broker: Broker, queue: PullQueue, connect: Any
) -> None:
    fetching = asyncio.create_task(queue.fetch(30))
    await asyncio.sleep(0.1)
    take = queue._take

    def take_and_cancel(*message: Any) -> None:
        take(*message)
        fetching.cancel()

    assert queue._sid is not None
    broker.link.client._sinks[queue._sid] = take_and_cancel
    await broker.append(SUBJECT, b"x")
    with pytest.raises(asyncio.CancelledError):
        await fetching
    other = (await connect()).pull_queue("JOBS", "any")
    started = time.monotonic()
    delivery = await must(other.fetch(5))
    assert time.monotonic() - started < ACK_WAIT.total_seconds() * 0.7
    assert delivery.delivered_count == 2
    await delivery.ack_sync()
