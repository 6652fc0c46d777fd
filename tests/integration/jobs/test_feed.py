"""Event streams: complete, in order, and resumable."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.integration.jobs.puppets import CHANGE, Puppet, submission
from tests.integration.jobs.test_delivery import until_status

from osapi.contract.endpoint import ServerEvent
from osapi.contract.ids import JobId
from osapi.jobs.feed import Position, parse_position
from osapi.jobs.record import Event
from osapi.jobs.service import JobService
from osapi.jobs.status import JobStatus
from osapi.jobs.streams import all_stream

pytestmark = pytest.mark.anyio


async def follow(service: JobService, job: str, position: Position, count: int | None = None) -> list[ServerEvent]:
    """Read a job's stream to its end, or its first `count` events."""
    following = service.follow(JobId(job))
    entry, facts = await service.read(JobId(job))
    assert entry is not None
    assert facts is not None
    events: list[ServerEvent] = []
    async with asyncio.timeout(10):
        async for event in following.events(entry, facts, position):
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_job_is_told_from_its_beginning_to_done(service: JobService, puppets: list[Puppet]) -> None:
    ticket = await service.dispatcher.submit(submission("m0", operation=CHANGE))
    await until_status(service, ticket.job_id, JobStatus.SUBMITTED)
    following = asyncio.create_task(follow(service, ticket.job_id, Position()))
    await puppets[0].note(ticket.job_id, Event.STARTED)
    await until_status(service, ticket.job_id, JobStatus.PROCESSING)
    await puppets[0].answer(ticket.job_id, changed=True)
    names = [event.event for event in await following]
    assert names == ["submitted", "started", "completed", "done"]


async def test_a_stream_resumes_after_any_event_without_gap_or_repeat(
    service: JobService, puppets: list[Puppet]
) -> None:
    ticket = await service.dispatcher.submit(submission("m0", "m1", operation=CHANGE))
    for puppet in puppets[:2]:
        await puppet.note(ticket.job_id, Event.ACKNOWLEDGED)
        await puppet.note(ticket.job_id, Event.STARTED)
        await puppet.answer(ticket.job_id)
    await until_status(service, ticket.job_id, JobStatus.COMPLETED)
    whole = [(event.id, event.event) for event in await follow(service, ticket.job_id, Position())]
    assert len(whole) == 8
    for seen in range(1, len(whole) - 1):
        resumed = await follow(service, ticket.job_id, parse_position(whole[seen - 1][0]))
        assert [(event.id, event.event) for event in resumed] == whole[seen:]


async def test_the_stream_of_all_jobs_resumes_from_what_is_kept(service: JobService, puppets: list[Puppet]) -> None:
    before = service.feed.position
    tickets = [await service.dispatcher.submit(submission("m0")) for _ in range(3)]
    for ticket in tickets:
        await puppets[0].answer(ticket.job_id)
        await until_status(service, ticket.job_id, JobStatus.COMPLETED)
    position = Position(max(before.queue, 0), before.responses)
    missed = service.feed.since(position)
    assert missed is not None
    assert [item.change.event for item in missed if item.change.event == "completed"] == ["completed"] * 3
    half = missed[len(missed) // 2].position
    later = service.feed.since(half)
    assert later is not None
    assert 0 < len(later) < len(missed)


async def test_a_client_that_does_not_read_is_cut_off_and_holds_nobody_up(service: JobService) -> None:
    subscription = service.feed.subscribe()
    ticket = await service.dispatcher.submit(submission("m0"))
    await until_status(service, ticket.job_id, JobStatus.SUBMITTED)
    item = service.feed.since(Position())
    assert item is not None
    offered = [replace(item[0], sequence=number) for number in range(3000)]
    for one in offered:
        subscription.offer(one)
    async with asyncio.timeout(5):
        received = [one async for one in subscription]
    assert 0 < len(received) <= 1000
    assert received[1:] == offered[: len(received) - 1], "nothing is left out before the end"


async def test_what_follows_from_one_message_is_resumed_event_by_event(
    service: JobService, puppets: list[Puppet]
) -> None:
    before = service.feed.position
    ticket = await service.dispatcher.submit(submission("m0"))
    await puppets[0].answer(ticket.job_id)
    await until_status(service, ticket.job_id, JobStatus.COMPLETED)
    whole = service.feed.since(before) or []
    assert [item.change.event for item in whole][-2:] == ["completed", "done"]
    assert len({item.as_server_event().id for item in whole}) == len(whole)
    for number, item in enumerate(whole):
        assert service.feed.since(parse_position(str(item.position))) == whole[number + 1 :]


async def test_all_streams_end_when_the_service_stops(service: JobService) -> None:
    async def read() -> list[ServerEvent]:
        return [event async for event in all_stream(service.feed, None, Position(), lambda _: True)]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await service.stop()
    async with asyncio.timeout(5):
        assert await reading == []
