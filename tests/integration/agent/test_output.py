"""What jobs give out while they run: live, whole as long as it is slow, bounded when it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from tests.integration.agent.conftest import MakeAgent
from tests.integration.agent.processes import SHELL, Fleet, until

from osapi.contract.endpoint import ServerEvent
from osapi.contract.ids import JobId
from osapi.domains.command.models import ShellRequest
from osapi.jobs.feed import Position, parse_position
from osapi.jobs.record import Actor

pytestmark = pytest.mark.anyio


async def follow(fleet: Fleet, job: JobId, position: Position = Position()) -> AsyncIterator[ServerEvent]:
    following = fleet.service.follow(job)
    entry, facts = await fleet.service.read(job)
    assert entry is not None
    assert facts is not None
    async for event in following.events(entry, facts, position):
        yield event


async def story(fleet: Fleet, job: JobId, position: Position = Position()) -> list[ServerEvent]:
    async with asyncio.timeout(30):
        return [event async for event in follow(fleet, job, position)]


def said(events: list[ServerEvent], name: str = "stdout", host: str | None = None) -> str:
    import msgspec

    texts = [
        msgspec.json.decode(event.data.data).get(name, "")
        for event in events
        if event.event == "output" and host in (None, event.data.hostname)
    ]
    return "".join(texts)


async def test_output_is_told_while_the_command_runs(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    go_on = fleet.effects.with_name("go-on")
    request = ShellRequest(command=f"echo one; echo two >&2; until [ -e {go_on} ]; do sleep 0.05; done; echo three")
    ticket = await fleet.submit(SHELL, request, "m0")
    events: list[ServerEvent] = []
    async with asyncio.timeout(20):
        async for event in follow(fleet, ticket.job_id):
            events.append(event)
            if said(events) == "one\n" and said(events, "stderr") == "two\n":
                go_on.touch()
    names = [event.event for event in events]
    assert (said(events), said(events, "stderr")) == ("one\nthree\n", "two\n")
    assert names[-2:] == ["completed", "done"]


async def test_the_same_is_told_afterwards_and_after_every_event(fleet: Fleet, make_agent: MakeAgent) -> None:
    for _ in range(2):
        make_agent().start()
    await fleet.ready(2)
    request = ShellRequest(command="for i in 1 2 3; do echo $i; sleep 0.3; done")
    ticket = await fleet.submit(SHELL, request, "_all")
    live = await story(fleet, ticket.job_id)
    whole = await story(fleet, ticket.job_id)
    for events in (live, whole):
        assert {said(events, host=f"name-m{number}") for number in range(2)} == {"1\n2\n3\n"}
        assert events[-1].event == "done"
    for seen, event in enumerate(whole[:-1], start=1):
        rest = await story(fleet, ticket.job_id, parse_position(event.id))
        assert [(one.id, one.event) for one in rest] == [(one.id, one.event) for one in whole[seen:]]


async def test_a_quick_command_has_no_output_of_its_own(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    collected = await fleet.run(SHELL, ShellRequest(command="echo quick"), "m0")
    assert "output" not in [event.event for event in await story(fleet, collected.job_id)]


async def test_no_character_is_cut_in_two(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    text = r"for b in '\303' '\244' '\342' '\202' '\254' '\360' '\235' '\204' '\236'; do printf $b; sleep 0.15; done"
    ticket = await fleet.submit(SHELL, ShellRequest(command=text), "m0")
    assert said(await story(fleet, ticket.job_id)) == "ä€𝄞"


async def test_a_flood_is_bounded_in_rate_and_in_the_broker(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    began = time.monotonic()
    ticket = await fleet.submit(SHELL, ShellRequest(command="timeout 3 yes 0123456789 || true"), "m0")
    events = await story(fleet, ticket.job_id)
    took = time.monotonic() - began
    pieces = [event for event in events if event.event == "output"]
    told = len(said(pieces))
    left_out = sum(event.data.left_out for event in pieces)
    kept = await fleet.broker.stream("OUTPUT").count()
    print(f"row 24: output while a job runs: {told} bytes told in {took:.1f} s, {left_out} left out, {kept} pieces kept")
    assert left_out > told > 0
    assert len(pieces) <= took / 0.1 + 5
    assert told <= len(pieces) * 32 * 1024
    assert kept <= 64
    assert events[-1].event == "done"


async def test_a_job_that_is_cancelled_tells_what_it_had_given_out(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    ticket = await fleet.submit(SHELL, ShellRequest(command="echo before; sleep 60"), "m0")
    events: list[ServerEvent] = []
    async with asyncio.timeout(20):
        async for event in follow(fleet, ticket.job_id):
            events.append(event)
            if event.event == "output":
                await fleet.service.dispatcher.cancel(ticket.job_id, Actor(subject="tester"))
    assert said(events) == "before\n"
    assert [event.event for event in events][-2:] == ["cancelled", "done"]


async def test_nothing_of_a_deleted_job_is_kept(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent().start()
    await fleet.ready(1)
    stream = fleet.broker.stream("OUTPUT")
    ticket = await fleet.submit(SHELL, ShellRequest(command="echo x; sleep 0.4; echo y"), "m0")
    await story(fleet, ticket.job_id)
    assert await stream.count() > 0
    await fleet.service.store.delete(ticket.job_id)
    assert await stream.count() == 0


async def test_a_command_goes_on_and_is_answered_while_the_broker_is_away(
    fleet: Fleet, make_agent: MakeAgent, nats_server: object
) -> None:
    from tests.conftest import NatsServer

    assert isinstance(nats_server, NatsServer)
    make_agent().start()
    await fleet.ready(1)
    request = ShellRequest(command="for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done")
    ticket = await fleet.submit(SHELL, request, "m0")
    await until(lambda: fleet.service.index.get(ticket.job_id) is not None)
    nats_server.restart()
    answer = await fleet.answer(ticket.job_id, "m0")
    assert b"1\\n2\\n3\\n4\\n5\\n6\\n7\\n8" in bytes(answer.data)
