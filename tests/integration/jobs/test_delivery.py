"""Jobs from submission to answer, on the real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.conftest import NatsServer
from tests.integration.jobs.puppets import CHANGE, READ, Clock, MakeService, Puppet, submission

from osapi.contract.errors import Conflict, Unavailable
from osapi.contract.ids import JobId
from osapi.contract.operation import Nothing, Operation
from osapi.contract.target import parse
from osapi.jobs.record import Actor, Ending, Event
from osapi.jobs.service import JobService
from osapi.jobs.status import JobStatus
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio


async def until_status(service: JobService, job: str, status: JobStatus) -> None:
    async with asyncio.timeout(10):
        while (entry := service.index.get(job)) is None or entry.status is not status:
            await asyncio.sleep(0.01)


async def persistently(answer: Callable[[JobId], Awaitable[None]], job: JobId) -> None:
    """Try again while the broker is away, as agents do."""
    while True:
        try:
            return await answer(job)
        except Unavailable:
            await asyncio.sleep(0.02)


async def test_a_direct_job_reaches_its_host_alone_and_its_answer_comes_back(
    service: JobService, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("m1"))
    job = await puppets[1].next_job()
    assert job.id == ticket.job_id
    await puppets[1].answer(job.id)
    collected = await service.dispatcher.wait(ticket, 5)
    assert [response.machine_id for response in collected.responses] == ["m1"]
    assert collected.silent == {}
    assert puppets[0].heard.empty()
    assert puppets[2].heard.empty()


@pytest.mark.parametrize("operation", [READ, CHANGE], ids=lambda operation: operation.kind.value)
async def test_the_job_of_a_query_reaches_its_hosts_alone(
    service: JobService, puppets: list[Puppet], operation: Operation[Nothing, Nothing]
) -> None:
    chosen = submission("m0", "m2", target=parse("m* and not m1"), operation=operation)
    ticket = await service.dispatcher.submit(chosen)
    for puppet in (puppets[0], puppets[2]):
        job = await puppet.next_job()
        assert (job.route, job.target) == ("_each", "m* and not m1")
        await puppet.answer(job.id)
    collected = await service.dispatcher.wait(ticket, 5)
    assert ({response.machine_id for response in collected.responses}, collected.silent) == ({"m0", "m2"}, {})
    assert puppets[1].heard.empty()


async def test_who_did_not_hear_the_job_of_a_query_is_sent_it_again(service: JobService, puppets: list[Puppet]) -> None:
    late = await service.dispatcher.submit(submission("m0", "m9", target=parse("m*"), operation=CHANGE))
    await puppets[0].answer((await puppets[0].next_job()).id)
    newcomer = Puppet(puppets[0]._broker, "m9", puppets[0]._verifier)
    await newcomer.listen()
    assert (await newcomer.next_job()).id == late.job_id
    assert (await newcomer.hello()).resent == 1


async def test_a_broadcast_names_the_hosts_that_stay_silent(service: JobService, puppets: list[Puppet]) -> None:
    ticket = await service.dispatcher.submit(submission("m0", "m1", "m2"))
    for puppet in puppets[:2]:
        await puppet.answer((await puppet.next_job()).id)
    collected = await service.dispatcher.wait(ticket, 0.5)
    assert {response.machine_id for response in collected.responses} == {"m0", "m1"}
    assert collected.silent == {"m2": "name-m2"}


async def test_waiting_ends_with_the_last_answer(service: JobService, puppets: list[Puppet]) -> None:
    ticket = await service.dispatcher.submit(submission("m0", "m1", "m2"))
    waiting = asyncio.create_task(service.dispatcher.wait(ticket, 60))
    for puppet in puppets:
        await puppet.answer((await puppet.next_job()).id)
    async with asyncio.timeout(5):
        assert len((await waiting).responses) == 3
    await until_status(service, ticket.job_id, JobStatus.COMPLETED)


async def test_a_host_that_was_away_is_sent_what_it_missed_when_it_says_hello(
    service: JobService, broker: Broker, puppets: list[Puppet]
) -> None:
    late = Puppet(broker, "late", puppets[0]._verifier)
    ticket = await service.dispatcher.submit(submission("late"))
    await until_status(service, ticket.job_id, JobStatus.SUBMITTED)
    await late.listen()
    welcome = await late.hello()
    assert welcome.resent == 1
    assert (await late.next_job()).id == ticket.job_id


async def test_what_a_host_holds_or_has_answered_is_not_sent_again(service: JobService, puppets: list[Puppet]) -> None:
    held = await service.dispatcher.submit(submission("m0"))
    answered = await service.dispatcher.submit(submission("m0"))
    await puppets[0].answer(answered.job_id)
    await until_status(service, answered.job_id, JobStatus.COMPLETED)
    welcome = await puppets[0].hello(JobId(held.job_id))
    assert welcome.resent == 0


async def test_a_newcomer_is_sent_no_broadcast_from_before_it_came(
    service: JobService, broker: Broker, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("m0", "m1"))
    await until_status(service, ticket.job_id, JobStatus.SUBMITTED)
    newcomer = Puppet(broker, "new", puppets[0]._verifier)
    await newcomer.listen()
    assert (await newcomer.hello()).resent == 0
    assert newcomer.heard.empty()


async def test_a_job_that_is_not_acknowledged_is_sent_again_without_a_hello(
    service: JobService, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("m0"))
    first, second = await puppets[0].next_job(), await puppets[0].next_job()
    assert first.id == second.id == ticket.job_id


async def test_the_same_key_is_the_same_job(service: JobService, puppets: list[Puppet]) -> None:
    first = await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    second = await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    assert first.job_id == second.job_id
    await puppets[0].answer((await puppets[0].next_job()).id)
    assert len((await service.dispatcher.wait(second, 5)).responses) == 1
    third = await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    assert len((await service.dispatcher.wait(third, 5)).responses) == 1
    assert len(service.index) == 1


async def test_the_same_key_for_another_request_is_refused(service: JobService, puppets: list[Puppet]) -> None:
    await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await service.dispatcher.submit(submission("m1", operation=CHANGE, key="k"))
    with pytest.raises(Conflict):
        await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k", dry_run=True))


async def test_a_second_controller_knows_everything_and_may_collect_the_answer(
    service: JobService, make_service: MakeService, nats_server: NatsServer, puppets: list[Puppet]
) -> None:
    connection = await Broker.connect(nats_server.address, name="second")
    other = await make_service(connection)
    ticket = await service.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    elsewhere = await other.dispatcher.submit(submission("m0", operation=CHANGE, key="k"))
    await puppets[0].answer((await puppets[0].next_job()).id)
    assert len((await other.dispatcher.wait(elsewhere, 5)).responses) == 1
    await until_status(other, ticket.job_id, JobStatus.COMPLETED)
    await other.stop()
    await connection.close()


async def test_a_restarted_controller_delivers_what_its_predecessor_accepted(
    service: JobService, make_service: MakeService, nats_server: NatsServer, broker: Broker, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("late"))
    await service.stop()
    connection = await Broker.connect(nats_server.address, name="successor")
    successor = await make_service(connection)
    late = Puppet(broker, "late", puppets[0]._verifier)
    await late.listen()
    assert (await late.next_job()).id == ticket.job_id
    await late.answer(ticket.job_id)
    await until_status(successor, ticket.job_id, JobStatus.COMPLETED)
    await successor.stop()
    await connection.close()


async def test_a_cancelled_job_is_stopped_by_a_signed_order_and_ends_cancelled(
    service: JobService, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("m0", operation=CHANGE))
    job = await puppets[0].next_job()
    await puppets[0].note(job.id, Event.STARTED)
    await until_status(service, job.id, JobStatus.PROCESSING)
    await service.dispatcher.cancel(ticket.job_id, Actor(subject="eve"))
    async with asyncio.timeout(5):
        assert job.id.encode() in await puppets[0].cancelled.get()
    await puppets[0].answer(job.id, Ending.CANCELLED)
    await until_status(service, job.id, JobStatus.CANCELLED)
    with pytest.raises(Conflict, match="already ended"):
        await service.dispatcher.cancel(ticket.job_id, Actor(subject="eve"))


async def test_a_job_nobody_takes_expires_and_leaves_a_dead_letter(
    service: JobService, puppets: list[Puppet], clock: Clock
) -> None:
    ticket = await service.dispatcher.submit(submission("gone"))
    await until_status(service, ticket.job_id, JobStatus.SUBMITTED)
    clock.ahead_s = 26
    await until_status(service, ticket.job_id, JobStatus.EXPIRED)
    async with asyncio.timeout(5):
        while (letters := await service.dead_letters.list(10)).total_items == 0:
            await asyncio.sleep(0.01)
    letter = letters.items[0]
    assert (letter.job_id, letter.reason, letter.hostname) == (ticket.job_id, "expired", "name-gone")
    assert await service.dead_letters.purge(None) == 1
    assert (await service.dead_letters.list(10)).items == []


async def test_a_broker_that_is_killed_forgets_nothing_it_has_accepted(
    service: JobService, nats_server: NatsServer, broker: Broker, puppets: list[Puppet]
) -> None:
    tickets = [await service.dispatcher.submit(submission("m0", operation=CHANGE)) for _ in range(20)]
    nats_server.kill()
    nats_server.start()
    async with asyncio.timeout(20):
        for ticket in tickets:
            await persistently(puppets[0].answer, ticket.job_id)
    for ticket in tickets:
        await until_status(service, ticket.job_id, JobStatus.COMPLETED)


async def test_a_full_stream_refuses_and_leaves_no_trace(
    nats_server: NatsServer, broker: Broker, make_service: MakeService
) -> None:
    layout = Layout()
    await provision(broker, replace(layout, jobs=replace(layout.jobs, max_msgs=5)))
    service = await make_service(broker)
    accepted, refused = [], []
    for _ in range(8):
        try:
            accepted.append((await service.dispatcher.submit(submission("m0", operation=CHANGE))).job_id)
        except Unavailable as problem:
            refused.append(problem.job_id)
    assert (len(accepted), len(refused)) == (5, 3)
    assert all(refused)
    async with asyncio.timeout(5):
        while len(service.index) != 5:
            await asyncio.sleep(0.01)
    assert sorted(entry.id for entry in service.index.unfinished()) == sorted(accepted)
