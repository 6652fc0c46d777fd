"""Rows of the fault matrix (reliability.md) that concern the agent. Each prints its figures: run with -s."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections import Counter

import msgspec
import pytest
from tests.conftest import NatsServer
from tests.figures import figures
from tests.halting import halt
from tests.integration.agent.conftest import ACK_WAIT, MakeAgent, ReadyAgents
from tests.integration.agent.processes import Fleet, until

from osapi.agent.failpoints import AFTER_EFFECT, AFTER_STARTED, BEFORE_START
from osapi.contract.errors import Unavailable
from osapi.contract.ids import MachineId
from osapi.contract.operation import Kind
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending
from osapi.jobs.store import sealed_part
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio


# -- killed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["m0", "_all", "_any"])
async def test_row_2_an_agent_killed_before_the_start_runs_the_job_once_after_its_restart(
    fleet: Fleet, make_agent: MakeAgent, target: str
) -> None:
    agent = make_agent()
    agent.start(fail_point=BEFORE_START)
    await fleet.ready(1)
    ticket = await fleet.change(target)
    assert agent.wait() == -signal.SIGKILL
    agent.start()
    answer = await fleet.answer(ticket.job_id, "m0")
    figures(f"row 2, {target}", SE=fleet.runs(ticket.job_id), ending=answer.ending.value)
    assert (answer.ending, fleet.runs(ticket.job_id)) == (Ending.COMPLETED, 1)


@pytest.mark.parametrize(("point", "effects"), [(AFTER_STARTED, 0), (AFTER_EFFECT, 1)])
@pytest.mark.parametrize("target", ["m0", "_any"])
async def test_rows_3_and_4_a_change_cut_off_at_a_fail_point_is_interrupted_and_never_run_again(
    fleet: Fleet, make_agent: MakeAgent, target: str, point: str, effects: int
) -> None:
    agent = make_agent()
    agent.start(fail_point=point)
    await fleet.ready(1)
    ticket = await fleet.change(target)
    assert agent.wait() == -signal.SIGKILL
    agent.start()
    answer = await fleet.answer(ticket.job_id, "m0")
    await fleet.ready(1)
    await fleet.hostname("m0")
    figures(f"rows 3, 4, {point}, {target}", SE=fleet.runs(ticket.job_id), ending=answer.ending.value)
    assert (answer.ending, fleet.runs(ticket.job_id)) == (Ending.INTERRUPTED, effects)
    assert answer.started is not None


async def test_row_3_a_change_killed_in_the_middle_is_interrupted_and_never_run_again(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    agent = make_agent()
    interrupted = 0
    for kills in range(1, 4):
        agent.start()
        await fleet.ready(1)
        ticket = await fleet.change("m0", after="sleep 60")
        await until(lambda: fleet.runs(ticket.job_id) == 1)  # noqa: B023 - called before the loop goes on
        agent.kill()
        agent.start()
        interrupted += (await fleet.answer(ticket.job_id, "m0")).ending is Ending.INTERRUPTED
        agent.kill()
        assert interrupted == kills
    most = max(Counter(fleet.all_runs()).values())
    figures("row 3, killed in the middle", kills=3, interrupted=interrupted, SE=most)
    assert most == 1


async def test_a_result_that_could_not_be_told_before_the_kill_is_told_after_the_restart(
    fleet: Fleet, ready_agents: ReadyAgents, nats_server: NatsServer
) -> None:
    (agent,) = await ready_agents()
    ticket = await fleet.change("m0", before="sleep 1")
    await until(lambda: ticket.job_id in agent_started(fleet))
    nats_server.kill()
    await until(lambda: "job.ended" in agent.log)
    agent.kill()
    nats_server.start()
    agent.start()
    answer = await fleet.answer(ticket.job_id, "m0")
    figures("row 4, told after the restart", SE=fleet.runs(ticket.job_id), ending=answer.ending.value)
    assert (answer.ending, fleet.runs(ticket.job_id)) == (Ending.COMPLETED, 1)


def agent_started(fleet: Fleet) -> list[str]:
    return [e.id for e in fleet.service.index.unfinished() if any(note.started for note in e.notes.values())]


# -- again and again ---------------------------------------------------------------------------


async def test_row_15_one_job_published_a_hundred_times_has_one_effect(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    (agent,) = await ready_agents()
    ticket = await fleet.change("m0", before="sleep 0.5")
    facts = await fleet.service.store.read(ticket.job_id)
    assert facts is not None
    sealed = sealed_part(facts.record)
    direct = subjects.direct(Kind.MODIFY, MachineId("m0"))
    for _ in range(50):
        await fleet.broker.publish(direct, sealed)
    await fleet.answer(ticket.job_id, "m0")
    agent.stop()
    agent.start()
    await fleet.ready(1)
    for _ in range(50):
        await fleet.broker.publish(direct, sealed)
    await fleet.hostname("m0")
    figures("row 15", delivered=101, executed=fleet.runs(ticket.job_id))
    assert fleet.runs(ticket.job_id) == 1


async def test_row_14_an_agent_stopped_past_the_ack_wait_does_not_run_what_another_has_taken(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    agents = [make_agent() for _ in range(2)]
    for agent in agents:
        agent.start()
    await fleet.ready(2)
    tickets = []
    for round_ in range(2):
        sleeper = agents[round_]
        halt(sleeper.pid)
        tickets += [await fleet.change("_any") for _ in range(4)]
        await until(lambda: len(set(fleet.all_runs())) == len(tickets), 15)  # noqa: B023
        sleeper.signal(signal.SIGCONT)
        await fleet.hostname(f"m{round_}")
        await asyncio.sleep(ACK_WAIT.total_seconds())
    runs = Counter(fleet.all_runs())
    figures("row 14", jobs=len(tickets), executed=sum(runs.values()), most=max(runs.values()))
    assert sorted(runs) == sorted(ticket.job_id for ticket in tickets)
    assert set(runs.values()) == {1}


async def test_row_14_an_agent_stopped_for_long_does_not_run_what_expired(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    (agent,) = await ready_agents()
    halt(agent.pid)
    fleet.service.dispatcher._expiry = type(ACK_WAIT)(seconds=1)
    ticket = await fleet.change("m0")
    await asyncio.sleep(1.5)
    agent.signal(signal.SIGCONT)
    answer = await fleet.answer(ticket.job_id, "m0")
    figures("row 14, expired", SE=fleet.runs(ticket.job_id), ending=answer.ending.value)
    assert (answer.ending, fleet.runs(ticket.job_id)) == (Ending.EXPIRED, 0)


async def test_row_18_each_of_200_jobs_for_anybody_is_run_by_exactly_one_of_5_agents(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    for _ in range(5):
        make_agent().start()
    await fleet.ready(5)
    begin = time.monotonic()
    tickets = [await fleet.change("_any") for _ in range(200)]
    hosts: Counter[str] = Counter()
    for ticket in tickets:
        collected = await fleet.service.dispatcher.wait(ticket, 30)
        hosts.update(response.machine_id for response in collected.responses)
    taken = time.monotonic() - begin
    runs = Counter(fleet.all_runs())
    figures(
        "row 18", jobs=200, executed=sum(runs.values()), most=max(runs.values()), hosts=dict(hosts), s=f"{taken:.1f}"
    )
    assert sorted(runs) == sorted(ticket.job_id for ticket in tickets)
    assert set(runs.values()) == {1}
    assert sum(hosts.values()) == 200


async def test_rows_5_and_18_a_broker_killed_under_load_makes_no_job_for_anybody_run_twice(
    fleet: Fleet, make_agent: MakeAgent, nats_server: NatsServer
) -> None:
    """The broker may hand out again what was acknowledged just before it was killed."""
    for _ in range(3):
        make_agent().start()
    await fleet.ready(3)
    accepted: list[str] = []

    async def load() -> None:
        while True:
            try:
                accepted.append((await fleet.change("_any")).job_id)
            except Unavailable:
                await asyncio.sleep(0.02)

    loading = asyncio.ensure_future(load())
    for _ in range(3):
        await asyncio.sleep(0.7)
        nats_server.kill()
        nats_server.start()
    await asyncio.sleep(0.5)
    loading.cancel()
    await until(lambda: all(is_final(fleet, job) for job in accepted), 40)
    runs = Counter(fleet.all_runs())
    endings = Counter(entry.status.value for job in accepted if (entry := fleet.service.index.get(job)) is not None)
    figures("rows 5, 18", accepted=len(accepted), executed=len(runs), most=max(runs.values()), endings=dict(endings))
    assert max(runs.values()) == 1
    assert endings == {"completed": len(accepted)}


def is_final(fleet: Fleet, job: str) -> bool:
    entry = fleet.service.index.get(job)
    return entry is not None and entry.status.is_final


async def test_row_19_an_agent_that_joins_late_runs_nothing_old(fleet: Fleet, make_agent: MakeAgent) -> None:
    make_agent(max_jobs=1).start()
    await fleet.ready(1)
    running = await fleet.change("m0", after="sleep 6")
    await until(lambda: fleet.runs(running.job_id) == 1)
    old = [await fleet.change(target) for target in ("_all", "_any", "_any")]
    make_agent().start()
    await fleet.ready(2)
    for ticket in old:
        await fleet.answer(ticket.job_id, "m0")
    stale = [
        response
        for ticket in old
        for response in (await fleet.service.dispatcher.wait(ticket, 5)).responses
        if response.machine_id == "m1"
    ]
    figures("row 19", old=len(old), stale=len(stale))
    assert stale == []
    assert {fleet.runs(ticket.job_id) for ticket in old} == {1}
    new = await fleet.change("_all")
    await fleet.answer(new.job_id, "m1")
    assert fleet.runs(new.job_id) == 2


# -- away --------------------------------------------------------------------------------------


async def test_row_12_what_was_missed_while_away_is_run_once_after_the_return(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    (agent,) = await ready_agents()
    agent.kill()
    tickets = [await fleet.change(target) for target in ("m0", "_all")]
    agent.start()
    for ticket in tickets:
        assert (await fleet.answer(ticket.job_id, "m0")).ending is Ending.COMPLETED
    figures("row 12", SE=[fleet.runs(ticket.job_id) for ticket in tickets])
    assert [fleet.runs(ticket.job_id) for ticket in tickets] == [1, 1]


async def test_row_12_an_answer_waits_for_the_broker_and_the_agent_comes_back(
    fleet: Fleet, ready_agents: ReadyAgents, nats_server: NatsServer
) -> None:
    await ready_agents()
    ticket = await fleet.change("m0", after="sleep 1")
    await until(lambda: fleet.runs(ticket.job_id) == 1)
    nats_server.kill()
    await asyncio.sleep(2)
    nats_server.start()
    began = time.monotonic()
    answer = await fleet.answer(ticket.job_id, "m0")
    figures(
        "row 12, broker away",
        ending=answer.ending.value,
        SE=fleet.runs(ticket.job_id),
        s=f"{time.monotonic() - began:.2f}",
    )
    assert (answer.ending, fleet.runs(ticket.job_id)) == (Ending.COMPLETED, 1)
    assert await fleet.hostname("_any") == ["name-m0"]


async def test_row_11_without_room_for_the_ledger_nothing_is_changed(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    """No file may grow any more: what a full disk looks like to the agent (EFBIG instead of ENOSPC)."""
    (agent,) = await ready_agents()
    assert agent.process is not None
    _, hard = resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    full = await fleet.change("m0")
    refused = await fleet.answer(full.job_id, "m0")
    assert await fleet.hostname("m0") == ["name-m0"]
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    again = await fleet.change("m0")
    answer = await fleet.answer(again.job_id, "m0")
    figures("row 11", ending=refused.ending.value, code=refused.code, SE=fleet.runs(full.job_id))
    assert (refused.ending, refused.code, fleet.runs(full.job_id)) == (Ending.FAILED, "io_error", 0)
    assert (answer.ending, fleet.runs(again.job_id)) == (Ending.COMPLETED, 1)


# -- forged ------------------------------------------------------------------------------------


async def test_row_43_replayed_redirected_stripped_and_edited_jobs_are_not_run(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    agents = await ready_agents(2)
    ticket = await fleet.change("m0")
    await fleet.answer(ticket.job_id, "m0")
    facts = await fleet.service.store.read(ticket.job_id)
    assert facts is not None
    sealed = sealed_part(facts.record)
    head, _, payload = sealed.partition(b"\n")
    stranger = Signer(PrivateKey.generate())
    edited = msgspec.json.encode(msgspec.structs.replace(facts.job, id="00000000-0000-4000-8000-000000000000"))
    attempts = {
        "replayed": sealed,
        "stripped": payload,
        "edited": head + b"\n" + edited,
        "signed by a stranger": envelope.seal(stranger, envelope.JOB, edited),
        "signed for something else": envelope.seal(fleet.service.dispatcher._signer, envelope.CANCEL, edited),
        "noise": b"\x00\xff" * 100,
    }
    heard = ["live.jobs.modify.host.m0", "live.jobs.modify.host.m1", "live.jobs.modify._all", "live.jobs.query._all"]
    for subject in heard:
        for forged in attempts.values():
            await fleet.broker.publish(subject, forged)
    for forged in attempts.values():
        await fleet.broker.append("jobs.modify._any", forged)
    assert await fleet.hostname("_all") == ["name-m0", "name-m1"]
    await asyncio.sleep(0.5)
    tried = len(attempts) * (len(heard) + 1)
    figures("row 43", tried=tried, executed=len(fleet.all_runs()) - 1)
    assert fleet.all_runs() == [ticket.job_id]
    assert sum("security.job_refused" in agent.log for agent in agents) == 2
    facts = await fleet.service.store.read(ticket.job_id)
    assert facts is not None
    assert len(facts.responses) == 1


async def test_a_forged_order_to_cancel_stops_nothing(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    await ready_agents()
    ticket = await fleet.change("m0", after="sleep 1")
    await until(lambda: fleet.runs(ticket.job_id) == 1)
    order = msgspec.json.encode({"job_id": ticket.job_id, "issued": "2026-01-01T00:00:00Z", "actor": {"subject": "x"}})
    stranger = Signer(PrivateKey.generate())
    for forged in (order, envelope.seal(stranger, envelope.CANCEL, order)):
        await fleet.broker.publish(subjects.cancel(MachineId("m0")), forged)
    assert (await fleet.answer(ticket.job_id, "m0")).ending is Ending.COMPLETED
