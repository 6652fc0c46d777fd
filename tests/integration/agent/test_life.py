"""An agent's life as a process: it comes, waits, drains, goes, and refuses what cannot work."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import time

import psutil
import pytest
from tests.conftest import NatsServer
from tests.integration.agent.conftest import MakeAgent, ReadyAgents
from tests.integration.agent.processes import SHELL, AgentProcess, Fleet, until

from osapi.contract.errors import Invalid
from osapi.domains.command.models import ShellRequest
from osapi.fleet.models import AgentState
from osapi.jobs.record import Ending

pytestmark = pytest.mark.anyio


async def test_a_clean_stop_ends_with_status_0_and_is_seen_at_once(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    (agent,) = await ready_agents()
    assert agent.stop() == 0
    await fleet.ready(0)
    with pytest.raises(Invalid, match="its agent was stopped at"):
        await fleet.hostname("m0")


async def test_an_agent_keeps_the_day_it_joined_over_restarts(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    (agent,) = await ready_agents()
    first = fleet.registry.get("m0").record
    agent.stop()
    await fleet.ready(0)
    agent.start()
    await fleet.ready(1)
    second = fleet.registry.get("m0").record
    assert second.registered_at == first.registered_at
    assert second.started_at > first.started_at


async def test_a_drain_finishes_what_runs_takes_nothing_new_and_goes_on_beating(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    (agent,) = await ready_agents()
    running = await fleet.change("m0", after="sleep 3")
    await until(lambda: fleet.runs(running.job_id) == 1)
    agent.signal(signal.SIGTERM)
    await until(lambda: fleet.registry.get("m0").record.state is AgentState.DRAINING)
    at_begin = fleet.registry.get("m0").record.heartbeat_at
    await until(lambda: fleet.registry.get("m0").record.heartbeat_at > at_begin)
    with pytest.raises(Invalid, match="it is Draining"):
        await fleet.hostname("m0")
    assert (await fleet.answer(running.job_id, "m0")).ending is Ending.COMPLETED
    assert await asyncio.to_thread(agent.wait) == 0


async def test_what_a_drain_cannot_finish_is_stopped_and_told(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    (agent,) = await ready_agents()
    running = await fleet.run(SHELL, ShellRequest(command="sleep 0.1; echo quick"), "m0")
    assert [response.ending for response in running.responses] == [Ending.COMPLETED]
    endless = await fleet.submit(SHELL, ShellRequest(command="sleep 60", timeout=60), "m0")
    await until(lambda: any(note.started for e in fleet.service.index.unfinished() for note in e.notes.values()))
    agent.signal(signal.SIGTERM)
    answer = await fleet.answer(endless.job_id, "m0", 20)
    assert (answer.ending, answer.error) == (Ending.INTERRUPTED, "the agent was stopped while the job ran")
    assert await asyncio.to_thread(agent.wait) == 0


async def test_an_agent_waits_for_its_broker(make_agent: MakeAgent, nats_server: NatsServer) -> None:
    nats_server.stop()
    agent = make_agent()
    agent.start()
    await until(lambda: agent.folder.joinpath("log").exists() and "broker.unreachable" in agent.log, 20)
    nats_server.start()
    await until(lambda: "agent.ready" in agent.log, 20)
    agent.stop()


@pytest.fixture
def early_agent(make_agent: MakeAgent) -> AgentProcess:
    """An agent that is connected before any controller was there."""
    agent = make_agent()
    agent.start()
    end = time.monotonic() + 20
    while "agent.ready" not in agent.log:
        assert time.monotonic() < end, agent.log
        time.sleep(0.02)
    return agent


async def test_an_agent_registers_as_soon_as_a_controller_has_made_the_registry(
    early_agent: AgentProcess, fleet: Fleet
) -> None:
    assert early_agent.process is not None
    await fleet.ready(1)
    assert await fleet.hostname("_any") == ["name-m0"]


async def test_an_agent_that_still_waits_for_its_broker_can_be_stopped(
    make_agent: MakeAgent, nats_server: NatsServer
) -> None:
    nats_server.stop()
    agent = make_agent()
    agent.start()
    await until(lambda: agent.folder.joinpath("log").exists() and "broker.unreachable" in agent.log, 20)
    assert await asyncio.to_thread(agent.stop) == 0


async def test_a_second_agent_on_the_same_state_is_refused_with_one_line(fleet: Fleet, make_agent: MakeAgent) -> None:
    first = make_agent()
    first.start()
    await fleet.ready(1)
    second = make_agent("other", state_dir=str(first.state))
    second.start()
    assert second.wait() == 1
    assert re.fullmatch(
        r"osapi agent: the state folder \S+ is in use by process \d+; stop it first, or give this agent its own .*\n",
        second.log,
    )


def test_an_agent_without_a_controller_to_trust_is_refused_with_one_line(make_agent: MakeAgent, keys: object) -> None:
    agent = make_agent()
    shutil.rmtree(agent.controller_key)
    agent.start()
    assert agent.wait() == 1
    assert re.fullmatch(
        r"osapi agent: \S+controller\.pub is missing, so this agent could trust no job; .*\n", agent.log
    )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"max_jobs": 0}, "agent.max_jobs"),
        ({"machine_id": "a b"}, "agent.machine_id"),
        ({"state_dir": "/proc/none"}, "cannot be made"),
    ],
)
def test_settings_that_cannot_work_end_the_agent(make_agent: MakeAgent, settings: dict[str, object], line: str) -> None:
    agent = make_agent(**settings)
    agent.start()
    assert agent.wait() == 1
    assert line in agent.log
    assert "Traceback" not in agent.log


def test_an_unknown_fail_point_ends_the_agent(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start(fail_point="lunch")
    assert agent.wait() == 1
    assert "OSAPI_FAIL_POINT=lunch: no such place" in agent.log


async def test_several_agents_on_one_machine_do_not_disturb_each_other(fleet: Fleet, make_agent: MakeAgent) -> None:
    for number in range(3):
        make_agent(f"id-{number}").start()
    await fleet.ready(3)
    assert await fleet.hostname("_all") == ["name-id-0", "name-id-1", "name-id-2"]


async def test_an_idle_agent_is_small(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    (agent,) = await ready_agents()
    await fleet.hostname("m0")
    assert agent.process is not None
    resident = psutil.Process(agent.process.pid).memory_info().rss / 2**20
    print(f"\nP7, agent after one job: {resident:.1f} MB resident")
    assert resident < 45
