"""Answers that a host has not given, on the real broker: they end no job, and somebody can see that they were tried."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.integration.jobs.puppets import Clock, MakeService, Puppet, submission

from osapi.jobs import subjects
from osapi.jobs.quarantine import Doubt, Quarantine
from osapi.jobs.record import Ending
from osapi.jobs.service import JobService
from osapi.jobs.status import JobStatus
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio


async def noticed(quarantine: Quarantine, count: int) -> list[Doubt]:
    """Wait until so many messages are in quarantine, and tell why."""
    async with asyncio.timeout(5):
        while quarantine.counts.total() < count:
            await asyncio.sleep(0.01)
    return [suspect.doubt for suspect in reversed(quarantine.newest)]


async def test_a_forged_answer_ends_no_job(service: JobService, puppets: list[Puppet], quarantine: Quarantine) -> None:
    victim, villain, _ = puppets
    ticket = await service.dispatcher.submit(submission("m0"))
    job = await victim.next_job()
    key = subjects.response_key(job.id, "m0")
    lie = victim.response(job.id, Ending.FAILED)
    doubts: list[Doubt] = []
    for forged in (msgspec.json.encode(lie), villain.signed(lie), victim.signed(lie)[:-5], b"\xff\n\xff"):
        await victim.store(key, forged)  # the bucket keeps one, so each is waited for
        doubts = await noticed(quarantine, len(doubts) + 1)
    assert doubts == [Doubt.UNSIGNED, Doubt.SIGNATURE, Doubt.UNREADABLE, Doubt.UNREADABLE]
    entry = service.index.get(job.id)
    assert entry is not None
    assert not entry.status.is_final
    await victim.answer(job.id)
    collected = await service.dispatcher.wait(ticket, 5)
    assert [response.ending for response in collected.responses] == [Ending.COMPLETED]


async def test_an_answer_counts_for_its_own_job_and_host_alone(
    service: JobService, puppets: list[Puppet], quarantine: Quarantine
) -> None:
    victim, villain, _ = puppets
    first, second = [await service.dispatcher.submit(submission("m0")) for _ in range(2)]
    await victim.store(subjects.response_key(second.job_id, "m0"), victim.signed(victim.response(first.job_id)))
    assert await noticed(quarantine, 1) == [Doubt.ELSEWHERE]
    own = villain.signed(villain.response(second.job_id))
    await villain.store(subjects.response_key(second.job_id, "m0"), own)
    await villain.store(subjects.response_key(second.job_id, "m1"), own)
    assert await noticed(quarantine, 2) == [Doubt.ELSEWHERE, Doubt.ELSEWHERE]
    assert (await service.dispatcher.wait(second, 0.2)).responses == []


async def test_an_answer_that_is_replaced_later_is_not_shown(
    service: JobService, puppets: list[Puppet], quarantine: Quarantine
) -> None:
    victim, villain, _ = puppets
    ticket = await service.dispatcher.submit(submission("m0"))
    await victim.answer(ticket.job_id, changed=True)
    await service.dispatcher.wait(ticket, 5)
    await victim.store(subjects.response_key(ticket.job_id, "m0"), villain.signed(victim.response(ticket.job_id)))
    await noticed(quarantine, 1)
    facts = await service.store.read(ticket.job_id)
    assert facts is not None
    assert facts.responses == []
    entry = service.index.get(ticket.job_id)
    assert entry is not None
    assert (entry.status, entry.changed()) == (JobStatus.COMPLETED, True)


async def test_what_was_forged_while_no_controller_ran_is_found_at_the_start_or_when_it_is_read(
    service: JobService, puppets: list[Puppet], broker: Broker, make_service: MakeService,
    quarantine: Quarantine, clock: Clock,
) -> None:  # fmt: skip
    victim, villain, _ = puppets
    over = await service.dispatcher.submit(submission("m0"))
    await service.stop()
    clock.ahead_s += 3600
    soon = await (await make_service(broker)).dispatcher.submit(submission("m0"))
    for job in (over.job_id, soon.job_id):
        await victim.store(subjects.response_key(job, "m0"), villain.signed(victim.response(job)))
    await noticed(quarantine, 2)
    again = await make_service(broker)
    still_open, closed = again.index.get(soon.job_id), again.index.get(over.job_id)
    assert still_open is not None
    assert closed is not None
    assert (still_open.status.is_final, closed.status) == (False, JobStatus.COMPLETED)
    facts = await again.store.read(over.job_id)
    assert facts is not None
    assert facts.responses == []
