"""Row 22 of the fault matrix: an agent whose clock is wrong. Prints its figures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.faketime import Shift
from tests.figures import figures
from tests.integration.agent.conftest import MakeAgent
from tests.integration.agent.processes import AgentProcess, Fleet, new_job_id, until

from osapi.contract.ids import MachineId
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Job
from osapi.pki.keys import load_or_create_keypair
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio

TWO_HOURS_S = 7200


async def replay(fleet: Fleet, keys: Path, job: Job, issued: datetime) -> None:
    """Send the host a job that the controller issued then, for five minutes; return when it is answered."""
    old = msgspec.structs.replace(job, id=new_job_id(), issued=issued, expires=issued + timedelta(minutes=5))
    sealed = envelope.seal(Signer(load_or_create_keypair(keys, "controller")), envelope.JOB, msgspec.json.encode(old))
    await fleet.broker.publish(subjects.direct(old.kind, MachineId("m0")), sealed)
    async with asyncio.timeout(10):
        while await fleet.broker.bucket("job-responses").get(subjects.response_key(old.id, MachineId("m0"))) is None:
            await asyncio.sleep(0.02)


def shifted(make_agent: MakeAgent, folder: Path, seconds: int) -> tuple[AgentProcess, Shift]:
    agent, shift = make_agent(), Shift(folder / "shift", seconds)
    agent.environ = shift.environ
    agent.start()
    return agent, shift


@pytest.mark.parametrize("shift_s", [TWO_HOURS_S, -TWO_HOURS_S])
async def test_row_22_an_agent_whose_clock_is_two_hours_off_runs_nothing_until_it_is_right(
    fleet: Fleet, make_agent: MakeAgent, tmp_path: Path, keys: Path, shift_s: int
) -> None:
    agent, shift = shifted(make_agent, tmp_path, shift_s)
    await fleet.ready(1)
    await until(lambda: '"clock.skew"' in agent.log)
    tickets = [await fleet.change(target) for target in ("m0", "_all", "_any")]
    answers = [await fleet.answer(ticket.job_id, "m0") for ticket in tickets]
    assert [(answer.ending, answer.code) for answer in answers] == [(Ending.REJECTED, "clock_skew")] * 3
    assert all(
        answer.error is not None and f"{TWO_HOURS_S} s {'ahead of' if shift_s > 0 else 'behind'}" in answer.error
        for answer in answers
    )
    record = await fleet.record(tickets[0].job_id)
    now = datetime.now(UTC)
    for issued in (now - timedelta(hours=2), now - timedelta(hours=1), now, now + timedelta(hours=2)):
        await replay(fleet, keys, record, issued)
    shift.set(0)
    right = await fleet.change("m0")
    answer = await fleet.answer(right.job_id, "m0")
    assert (answer.ending, fleet.runs(right.job_id)) == (Ending.COMPLETED, 1)
    wrong = len(fleet.all_runs()) - 1
    figures(
        f"row 22, {shift_s:+d} s", jobs=len(tickets), rejected=len(answers), replayed=4, wrong_accepts=wrong,
        runs_when_the_clock_is_right=1,
    )  # fmt: skip
    assert wrong == 0


async def test_a_clock_that_is_set_wrong_while_the_agent_runs_is_noticed_at_once(
    fleet: Fleet, make_agent: MakeAgent, tmp_path: Path
) -> None:
    _, shift = shifted(make_agent, tmp_path, 0)
    await fleet.ready(1)
    first = await fleet.change("m0")
    assert (await fleet.answer(first.job_id, "m0")).ending is Ending.COMPLETED
    for seconds in (TWO_HOURS_S, -TWO_HOURS_S):
        shift.set(seconds)
        ticket = await fleet.change("m0")
        answer = await fleet.answer(ticket.job_id, "m0")
        assert (answer.ending, answer.code) == (Ending.REJECTED, "clock_skew")
    assert len(fleet.all_runs()) == 1
