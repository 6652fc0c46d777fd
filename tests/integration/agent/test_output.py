"""What jobs give out: live, whole as long as it is slow, bounded when it is not; and kept whole when asked for."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest
from tests.conftest import NatsServer
from tests.figures import figures
from tests.integration.agent.conftest import LAYOUT, MakeAgent, ReadyAgents
from tests.integration.agent.processes import SHELL, Fleet, until

from osapi.contract.endpoint import ServerEvent
from osapi.contract.ids import JobId
from osapi.contract.kept import object_name
from osapi.domains.command.models import ShellRequest
from osapi.jobs.feed import Position, parse_position
from osapi.jobs.record import Actor, Ending, Response
from osapi.transport.layout import ObjectStore
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio

BEGINNING = Position()


async def follow(fleet: Fleet, job: JobId, position: Position = BEGINNING) -> AsyncIterator[ServerEvent]:
    following = fleet.service.follow(job)
    entry, facts = await fleet.service.read(job)
    assert entry is not None
    assert facts is not None
    async for event in following.events(entry, facts, position):
        yield event


async def story(fleet: Fleet, job: JobId, position: Position = BEGINNING) -> list[ServerEvent]:
    async with asyncio.timeout(30):
        return [event async for event in follow(fleet, job, position)]


def said(events: list[ServerEvent], name: str = "stdout", host: str | None = None) -> str:
    texts = [
        msgspec.json.decode(event.data.data).get(name, "")
        for event in events
        if event.event == "output" and host in (None, event.data.hostname)
    ]
    return "".join(texts)


async def test_output_is_told_while_the_command_runs(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
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


async def test_a_quick_command_has_no_output_of_its_own(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    collected = await fleet.run(SHELL, ShellRequest(command="echo quick"), "m0")
    assert "output" not in [event.event for event in await story(fleet, collected.job_id)]


async def test_no_character_is_cut_in_two(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    text = r"for b in '\303' '\244' '\342' '\202' '\254' '\360' '\235' '\204' '\236'; do printf $b; sleep 0.15; done"
    ticket = await fleet.submit(SHELL, ShellRequest(command=text), "m0")
    assert said(await story(fleet, ticket.job_id)) == "ä€𝄞"


async def test_a_flood_is_bounded_in_rate_and_in_the_broker(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    began = time.monotonic()
    ticket = await fleet.submit(SHELL, ShellRequest(command="timeout 3 yes 0123456789 || true"), "m0")
    events = await story(fleet, ticket.job_id)
    took = time.monotonic() - began
    pieces = [event for event in events if event.event == "output"]
    told = len(said(pieces))
    left_out = sum(event.data.left_out for event in pieces)
    kept = await fleet.broker.stream("OUTPUT").count()
    figures(
        "row 24, output while it comes", took_s=round(took, 1), told_bytes=told, left_out_bytes=left_out, pieces=kept
    )
    assert left_out > told > 0
    assert len(pieces) <= took / 0.1 + 5
    assert told <= len(pieces) * 32 * 1024
    assert kept <= 64
    assert events[-1].event == "done"


async def test_a_job_that_is_cancelled_tells_what_it_had_given_out(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    ticket = await fleet.submit(SHELL, ShellRequest(command="echo before; sleep 60"), "m0")
    events: list[ServerEvent] = []
    async with asyncio.timeout(20):
        async for event in follow(fleet, ticket.job_id):
            events.append(event)
            if event.event == "output":
                await fleet.service.dispatcher.cancel(ticket.job_id, Actor(subject="tester"))
    assert said(events) == "before\n"
    assert [event.event for event in events][-2:] == ["cancelled", "done"]


async def test_nothing_of_a_deleted_job_is_kept(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    stream = fleet.broker.stream("OUTPUT")
    ticket = await fleet.submit(SHELL, ShellRequest(command="echo x; sleep 0.4; echo y"), "m0")
    await story(fleet, ticket.job_id)
    assert await stream.count() > 0
    await fleet.service.store.delete(ticket.job_id)
    assert await stream.count() == 0


async def test_a_command_goes_on_and_is_answered_while_the_broker_is_away(
    fleet: Fleet, ready_agents: ReadyAgents, nats_server: NatsServer
) -> None:
    await ready_agents()
    request = ShellRequest(command="for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done")
    ticket = await fleet.submit(SHELL, request, "m0")
    await until(lambda: fleet.service.index.get(ticket.job_id) is not None)
    nats_server.restart()
    answer = await fleet.answer(ticket.job_id, "m0")
    assert b"1\\n2\\n3\\n4\\n5\\n6\\n7\\n8" in bytes(answer.data)


# -- kept whole --------------------------------------------------------------------------------


async def kept(fleet: Fleet, job: JobId, name: str, machine: str = "m0") -> bytes:
    store = fleet.broker.objects("job-output")
    info = await store.head(object_name(job, machine, name))
    assert info is not None
    return b"".join([piece async for piece in store.read(info)])


async def run_kept(fleet: Fleet, command: str, timeout: int = 60, wait_s: float = 60) -> tuple[JobId, Response]:
    request = ShellRequest(command=command, timeout=timeout, keep_output=True)
    collected = await fleet.run(SHELL, request, "m0", wait_s=wait_s)
    (response,) = collected.responses
    return collected.job_id, response


async def test_all_output_is_kept_byte_for_byte_when_asked_for(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    job, response = await run_kept(fleet, r"head -c 20000000 /dev/urandom | tee /dev/stderr; printf '\377'")
    told = {one.name: one for one in response.kept}
    assert msgspec.json.decode(response.data)["truncated"]
    assert msgspec.json.decode(response.data)["kept"] == [msgspec.to_builtins(one) for one in response.kept]
    for name, length in (("stdout", 20_000_001), ("stderr", 20_000_000)):
        content = await kept(fleet, job, name)
        assert (told[name].size, len(content)) == (length, length)
        assert told[name].sha256 == hashlib.sha256(content).hexdigest()
    assert await kept(fleet, job, "stdout") == await kept(fleet, job, "stderr") + b"\xff"


async def test_output_that_is_not_asked_for_is_not_kept(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    collected = await fleet.run(SHELL, ShellRequest(command="echo x"), "m0")
    assert collected.responses[0].kept == ()
    assert await fleet.broker.objects("job-output").list() == []


async def test_no_more_is_kept_than_the_agent_allows(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent(keep_output_bytes=1_000_000).start()
    await fleet.ready(1)
    job, response = await run_kept(fleet, "head -c 5000000 /dev/zero")
    stdout, stderr = response.kept
    assert (stdout.size, stdout.truncated, stderr.size, stderr.truncated) == (1_000_000, True, 0, False)
    assert await kept(fleet, job, "stdout") == bytes(1_000_000)


async def test_output_up_to_the_end_of_the_time_is_kept(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    job, response = await run_kept(fleet, "head -c 3000000 /dev/zero; echo last; sleep 60", timeout=1)
    assert response.ending is Ending.TIMEOUT
    assert (await kept(fleet, job, "stdout"))[-5:] == b"last\n"
    assert response.kept[0].size == 3_000_005


async def test_of_a_command_that_is_cancelled_nothing_is_kept(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    request = ShellRequest(command="head -c 3000000 /dev/zero; sleep 60", keep_output=True)
    ticket = await fleet.submit(SHELL, request, "m0")
    stream = fleet.broker.stream("OBJ_job-output")

    async def begun() -> bool:
        return await stream.count() > 0

    async with asyncio.timeout(10):
        while not await begun():
            await asyncio.sleep(0.05)
    await fleet.service.dispatcher.cancel(ticket.job_id, Actor(subject="tester"))
    assert (await fleet.answer(ticket.job_id, "m0")).kept == ()
    assert await fleet.broker.objects("job-output").list() == []


async def test_a_store_that_is_full_costs_the_kept_output_and_not_the_job(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    small = replace(
        LAYOUT, objects=(ObjectStore(name="file-objects"), ObjectStore(name="job-output", max_bytes=300_000))
    )
    await provision(fleet.broker, small)
    await ready_agents()
    _, response = await run_kept(fleet, "head -c 3000000 /dev/zero; echo done >&2")
    assert response.ending is Ending.COMPLETED
    stdout, stderr = response.kept
    assert "could not be stored" in stdout.error
    assert (stdout.size, stderr.error, stderr.size) == (0, "", 5)


async def test_a_program_waits_for_a_broker_that_is_slow_and_memory_is_bounded(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    """As much as the broker stores meanwhile, and nothing is lost of it."""
    agent = make_agent(keep_output_bytes=10_000_000_000)
    agent.start()
    await fleet.ready(1)
    before = agent.peak_kb
    began = time.monotonic()
    _, response = await run_kept(fleet, "head -c 200000000 /dev/zero")
    took, grown = time.monotonic() - began, agent.peak_kb - before
    figures("row 24, 200 MB kept whole", took_s=round(took, 1), grown_mib=round(grown / 1024, 1))
    assert response.kept[0].size == 200_000_000
    assert grown < 32 * 1024
