"""Agents as processes on the real broker: every kind of target, checks, deadlines, cancellation, order."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.figures import figures
from tests.integration.agent.conftest import MakeAgent, ReadyAgents
from tests.integration.agent.processes import HOSTNAME, SHELL, Fleet, until

from osapi.contract.errors import Invalid
from osapi.contract.operation import Nothing
from osapi.domains.command.models import ShellRequest
from osapi.fleet.models import AgentState
from osapi.jobs.record import Actor, Ending
from osapi.jobs.status import JobStatus

pytestmark = pytest.mark.anyio


async def test_each_kind_of_target_reaches_the_hosts_it_means(fleet: Fleet, make_agent: MakeAgent) -> None:
    for labels in ({"group": "web.dev"}, {"group": "web.prod"}, {"group": "db"}):
        make_agent(labels=labels).start()
    await fleet.ready(3)
    assert await fleet.hostname("name-m1") == ["name-m1"]
    assert await fleet.hostname("m2") == ["name-m2"]
    assert await fleet.hostname("_all") == ["name-m0", "name-m1", "name-m2"]
    assert await fleet.hostname("group:web") == ["name-m0", "name-m1"]
    assert await fleet.hostname("group:web.prod") == ["name-m1"]
    assert len(await fleet.hostname("_any")) == 1


async def test_an_agent_registers_with_what_it_knows_of_its_host(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent(labels={"group": "web"}).start()
    await fleet.ready(1)
    record = fleet.registry.get("name-m0").record
    assert (record.machine_id, record.labels, record.state) == ("m0", {"group": "web"}, AgentState.READY)
    assert record.registered_at <= record.started_at <= record.heartbeat_at
    assert record.memory is not None
    assert record.memory.total > record.memory.used > 0
    assert record.os_info is not None
    assert record.os_info.distribution
    assert record.load is not None
    assert record.uptime_s
    assert record.cpu_count
    assert record.version
    size = len(msgspec.json.encode(record))
    assert size < 1024, f"a heartbeat of {size} bytes"


async def test_the_answer_of_a_change_holds_its_result(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    collected = await fleet.run(SHELL, ShellRequest(command="echo out; echo err >&2; exit 3"), "m0")
    (response,) = collected.responses
    assert (response.ending, response.changed) == (Ending.COMPLETED, True)
    data = msgspec.json.decode(response.data)
    assert (data["stdout"], data["stderr"], data["exit_code"]) == ("out\n", "err\n", 3)
    assert response.started is not None
    assert response.received <= response.started <= response.finished


async def test_check_mode_acts_on_nothing(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    collected = await fleet.run(SHELL, fleet.counting(), "m0", dry_run=True)
    assert [response.ending for response in collected.responses] == [Ending.COMPLETED]
    assert fleet.all_runs() == []


async def test_a_failing_change_is_tried_once(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    """Row 17 of the fault matrix."""
    await ready_agents()
    request = fleet.counting(after="sleep 60")
    request.timeout = 1
    failed = await fleet.run(SHELL, request, "m0")
    assert [response.ending for response in failed.responses] == [Ending.TIMEOUT]
    await fleet.hostname("m0")
    await asyncio.sleep(2.5)  # a controller sends again after 1 s and 3 s what it does not know to be answered
    assert fleet.runs(failed.job_id) == 1
    figures("row 17", failures=1, executed=fleet.runs(failed.job_id))


async def test_a_running_and_a_queued_job_are_cancelled(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent(max_jobs=1).start()
    await fleet.ready(1)
    running = await fleet.change("m0", after="sleep 60")
    await until(lambda: fleet.runs(running.job_id) == 1)
    queued = await fleet.change("m0")
    actor = Actor(subject="tester")
    for ticket in (queued, running):
        await fleet.service.dispatcher.cancel(ticket.job_id, actor)
        collected = await fleet.service.dispatcher.wait(ticket, 10)
        assert [response.ending for response in collected.responses] == [Ending.CANCELLED]
    assert fleet.runs(queued.job_id) == 0


async def test_a_cancelled_job_for_anybody_is_not_begun_by_anybody(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent(max_jobs=1).start()
    await fleet.ready(1)
    running = await fleet.change("m0", after="sleep 60")
    await until(lambda: fleet.runs(running.job_id) == 1)
    waiting = await fleet.change("_any")
    actor = Actor(subject="tester")
    await fleet.service.dispatcher.cancel(waiting.job_id, actor)
    await fleet.service.dispatcher.cancel(running.job_id, actor)
    assert (await fleet.answer(waiting.job_id, "m0")).ending is Ending.CANCELLED
    assert fleet.runs(waiting.job_id) == 0


async def test_reads_come_before_writes_and_no_more_run_at_once_than_allowed(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    make_agent(max_jobs=1).start()
    await fleet.ready(1)
    running = await fleet.change("m0", before=f"touch {fleet.effects}.began; sleep 0.7")
    await until(lambda: fleet.effects.with_name("effects.began").exists())
    write = await fleet.change("m0")
    read = await fleet.submit(HOSTNAME, Nothing(), "m0")
    answers = [await fleet.answer(ticket.job_id, "m0") for ticket in (running, read, write)]
    starts = [answer.started for answer in answers if answer.started is not None]
    assert starts == sorted(starts)
    assert answers[0].finished <= answers[1].finished <= answers[2].finished


async def test_a_job_that_takes_long_is_acknowledged_and_not_run_twice(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    """Row 16 of the fault matrix: longer than the first two times that a controller sends again."""
    await ready_agents()
    ticket = await fleet.change("m0", after="sleep 4")
    await until(lambda: (entry := fleet.service.index.get(ticket.job_id)) is not None and _began(entry, "m0"))
    collected = await fleet.service.dispatcher.wait(ticket, 10)
    assert [response.ending for response in collected.responses] == [Ending.COMPLETED]
    assert fleet.runs(ticket.job_id) == 1
    figures("row 16", jobs=1, executed=fleet.runs(ticket.job_id))


def _began(entry: object, machine: str) -> bool:
    note = entry.notes[machine]  # type: ignore[attr-defined]
    return note.acknowledged is not None and note.started is not None


async def test_the_status_is_complete_in_the_end(fleet: Fleet, make_agent: MakeAgent) -> None:
    for _ in range(2):
        make_agent().start()
    await fleet.ready(2)
    tickets = await asyncio.gather(*(fleet.submit(HOSTNAME, Nothing(), "_all") for _ in range(50)))
    for ticket in tickets:
        await fleet.service.dispatcher.wait(ticket, 10)
        entry = fleet.service.index.get(ticket.job_id)
        assert entry is not None
        assert entry.status is JobStatus.COMPLETED


async def test_two_agents_of_one_name_must_be_told_apart_by_id(fleet: Fleet, make_agent: MakeAgent) -> None:
    for _ in range(2):
        make_agent(hostname="twin").start()
    await fleet.ready(2)
    with pytest.raises(Invalid, match="2 hosts are named 'twin'; use a machine id instead: m0, m1"):
        await fleet.hostname("twin")
    assert await fleet.hostname("m1") == ["twin"]
