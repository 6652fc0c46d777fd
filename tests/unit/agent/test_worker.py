"""Jobs from accepted to answered: once, in turn, stopped when told to, honest after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest
from tests.unit.agent.kit import (
    ME,
    NOW,
    OWN,
    Clock,
    Domains,
    Effects,
    FakeBucket,
    FakeHost,
    FakeStream,
    job,
    open_secrets,
    opened,
    payload_of,
)

from osapi.agent import patience
from osapi.agent.catalogue import Catalogue
from osapi.agent.claims import Claims
from osapi.agent.failpoints import AFTER_EFFECT, AFTER_STARTED, BEFORE_START, POINTS, FailPoints
from osapi.agent.intake import Answer, Run, Standing
from osapi.agent.ledger import Ledger
from osapi.agent.memory import Memory
from osapi.agent.nameplate import Nameplate
from osapi.agent.outlet import Outlet
from osapi.agent.pulse import Pulse
from osapi.agent.reporter import Reporter
from osapi.agent.skew import Skew
from osapi.agent.slots import Slots
from osapi.agent.tools import Tools
from osapi.agent.worker import Worker
from osapi.contract.errors import Conflict, Unavailable
from osapi.contract.ids import JobId
from osapi.contract.operation import Kind
from osapi.host.door import Host
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Job, Response
from osapi.transport.bucket import Bucket

pytestmark = pytest.mark.anyio


class Death(BaseException):
    """The process ends here."""


@dataclass
class Bench:
    """A worker with everything around it in reach."""

    worker: Worker
    tools: Tools
    responses: FakeBucket
    queue: FakeBucket
    effects: Effects
    clock: Clock
    output: FakeStream

    def accept(self, job: Job, *, claimed: bool = False) -> Job:
        self.worker.accept(Run(job, payload_of(job)), self.clock(), claimed=claimed)
        return job

    async def answer(self, job: JobId) -> Response:
        key = subjects.response_key(job, ME)
        await self.responses.until(lambda: key in self.responses.entries)
        return msgspec.json.decode(opened(self.responses.entries[key], envelope.RESULT), type=Response)

    def events(self, job: JobId) -> list[str]:
        return [key.split(".")[2] for key in self.queue.entries if f".{job}." in key]


MakeBench = Callable[..., Bench]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    """Make a worker; another one on the same ledger is what a restarted agent has."""
    ledgers: list[Ledger] = []
    clock, responses, queue, effects, output = Clock(), FakeBucket(), FakeBucket(), Effects(), FakeStream()

    async def make(max_jobs: int = 2, fail_at: str | None = None, files: dict[str, bytes] | None = None) -> Bench:
        for old in ledgers:
            await old.close()
        ledger = await Ledger.open(tmp_path / "ledger.db", NOW)
        ledgers.append(ledger)

        def die() -> None:
            raise Death

        nameplate = Nameplate(cast("Host", RenamedHost()), "here", lambda: None)
        reporter = Reporter(
            cast("Bucket", responses), cast("Bucket", queue), OWN.signer, ME, nameplate, Pulse(), random=lambda: 0.0
        )
        tools = Tools(
            machine=ME,
            nameplate=nameplate,
            host=cast("Host", FakeHost(files=files)),
            catalogue=Catalogue(Domains(effects), ("debian",)),
            slots=Slots(max_jobs),
            listening_slots=Slots(1),
            ledger=ledger,
            memory=Memory(),
            claims=Claims(cast("Bucket", queue), ME, nameplate, Pulse(), clock),
            reporter=reporter,
            outlet=Outlet(output, None, ME, nameplate, clock, keep_bytes=1000),
            open_secrets=open_secrets,
            fail_points=FailPoints(fail_at, die),
            now=clock,
            skew=Skew(),
        )
        return Bench(Worker(tools), tools, responses, queue, effects, clock, output)

    yield make
    for ledger in ledgers:
        await ledger.close()


class RenamedHost:
    """A host that has another name by now."""

    async def names(self) -> object:
        return type("Names", (), {"hostname": "renamed"})


@pytest.fixture
async def bench(make: MakeBench) -> Bench:
    return await make()


def write(**more: object) -> Job:
    return job("thing.write", kind=Kind.MODIFY, **more)  # type: ignore[arg-type]


def hang(**more: object) -> Job:
    return job("thing.hang", kind=Kind.MODIFY, **more)  # type: ignore[arg-type]


async def test_a_job_is_answered_with_its_times(bench: Bench) -> None:
    answer = await bench.answer(bench.accept(job()).id)
    assert answer.ending is Ending.COMPLETED
    assert (answer.received, answer.started, answer.finished) == (NOW, NOW, NOW)
    assert (answer.machine_id, answer.hostname) == (ME, "here")
    assert bench.queue.entries == {}


async def test_a_change_is_in_the_ledger_with_its_answer(bench: Bench) -> None:
    change = bench.accept(write())
    answer = await bench.answer(change.id)
    assert (answer.ending, answer.changed) == (Ending.COMPLETED, True)
    stored = await bench.tools.ledger.response(change.id)
    assert stored is not None
    assert msgspec.json.decode(stored, type=Response) == answer


async def test_a_query_leaves_nothing_in_the_ledger(bench: Bench) -> None:
    query = bench.accept(job())
    await bench.answer(query.id)
    assert await bench.tools.ledger.response(query.id) is None


async def test_a_host_that_was_renamed_answers_with_its_new_name(bench: Bench) -> None:
    assert (await bench.answer(bench.accept(write()).id)).hostname == "renamed"


async def test_a_job_in_hand_is_known_and_then_finished(bench: Bench) -> None:
    held = bench.accept(hang())
    assert bench.worker.standing(held.id) is Standing.IN_HAND
    assert bench.worker.holding == (held.id,)
    bench.effects.go_on.set()
    await bench.answer(held.id)
    await bench.worker.drain(1)
    assert bench.worker.standing(held.id) is Standing.FINISHED
    assert bench.worker.holding == ()


async def test_a_repeated_message_of_a_job_in_hand_acknowledges_it(bench: Bench) -> None:
    held = bench.accept(hang())
    await bench.effects.began.wait()
    bench.worker.remind(held)
    await bench.queue.until(lambda: len(bench.queue.entries) == 2)
    assert sorted(bench.events(held.id)) == ["acknowledged", "started"]


async def test_a_repeated_message_of_a_finished_change_tells_its_answer_again(bench: Bench) -> None:
    change = bench.accept(write())
    first = await bench.answer(change.id)
    await bench.worker.drain(1)
    bench.responses.entries.clear()
    bench.worker.remind(change)
    assert await bench.answer(change.id) == first
    assert bench.effects.written == [change.id]


@pytest.mark.parametrize("known", [True, False])
async def test_a_hundred_messages_are_one_effect(make: MakeBench, *, known: bool) -> None:
    """Also after a restart, when only the ledger remembers."""
    bench = await make()
    change = bench.accept(write())
    await bench.answer(change.id)
    await bench.worker.drain(1)
    if not known:
        bench = await make()
    for _ in range(100):
        bench.accept(change)
    await bench.worker.drain(5)
    assert bench.effects.written == [change.id]


async def test_an_unknown_operation_is_named(bench: Bench) -> None:
    answer = await bench.answer(bench.accept(job("node.teleport")).id)
    assert (answer.ending, answer.code) == (Ending.FAILED, "unknown_operation")
    assert "node.teleport" in (answer.error or "")


async def test_a_change_that_calls_itself_a_query_is_rejected(bench: Bench) -> None:
    answer = await bench.answer(bench.accept(job("thing.write", kind=Kind.QUERY)).id)
    assert (answer.ending, bench.effects.written) == (Ending.REJECTED, [])


async def test_no_more_jobs_run_at_once_than_there_are_slots(bench: Bench) -> None:
    running = [bench.accept(hang()) for _ in range(2)]
    waiting = bench.accept(write())
    await bench.effects.began.wait()
    assert bench.effects.written == []
    bench.effects.go_on.set()
    await bench.answer(waiting.id)
    await bench.worker.drain(1)
    assert set(bench.effects.written) == {*(each.id for each in running), waiting.id}


async def test_a_job_that_waits_too_long_for_its_turn_expires(make: MakeBench) -> None:
    bench = await make(max_jobs=1)
    bench.accept(hang())
    late = bench.accept(write(lasts_s=0.02))
    answer = await bench.answer(late.id)
    assert (answer.ending, answer.started) == (Ending.EXPIRED, None)


async def test_a_job_whose_turn_comes_after_its_expiry_does_not_begin(make: MakeBench) -> None:
    bench = await make(max_jobs=1)
    bench.accept(hang())
    late = bench.accept(write(lasts_s=30))
    await bench.effects.began.wait()
    bench.clock.pass_s(30)
    bench.effects.go_on.set()
    assert (await bench.answer(late.id)).ending is Ending.EXPIRED
    assert late.id not in bench.effects.written


async def test_a_running_job_is_cancelled_and_what_it_runs_is_stopped(bench: Bench) -> None:
    held = bench.accept(hang())
    await bench.effects.began.wait()
    bench.worker.cancel(held.id)
    bench.worker.cancel(held.id)
    answer = await bench.answer(held.id)
    assert (answer.ending, answer.started, bench.effects.cancelled) == (Ending.CANCELLED, NOW, 1)


async def test_a_queued_job_is_cancelled_and_leaves_its_place(make: MakeBench) -> None:
    bench = await make(max_jobs=1)
    running, queued = bench.accept(hang()), bench.accept(write())
    await bench.effects.began.wait()
    bench.worker.cancel(queued.id)
    answer = await bench.answer(queued.id)
    assert (answer.ending, answer.started) == (Ending.CANCELLED, None)
    bench.effects.go_on.set()
    await bench.answer(running.id)
    assert bench.effects.written == [running.id]


async def test_a_job_cancelled_in_the_same_breath_as_it_came_never_begins(bench: Bench) -> None:
    held = bench.accept(write())
    bench.worker.cancel(held.id)
    assert (await bench.answer(held.id)).ending is Ending.CANCELLED
    assert bench.effects.written == []


async def test_an_order_to_cancel_may_come_before_its_job(bench: Bench) -> None:
    late = write()
    bench.worker.cancel(late.id)
    assert bench.worker.standing(late.id) is Standing.CANCELLED
    bench.accept(late)
    assert (await bench.answer(late.id)).ending is Ending.CANCELLED
    assert bench.effects.written == []


async def test_a_finished_job_cannot_be_cancelled(bench: Bench) -> None:
    change = bench.accept(write())
    await bench.answer(change.id)
    await bench.worker.drain(1)
    bench.worker.cancel(change.id)
    assert bench.worker.standing(change.id) is Standing.FINISHED


async def test_a_change_answered_without_running_never_runs_after_a_restart(make: MakeBench) -> None:
    bench = await make()
    refused = write()
    bench.worker.answer(Answer(refused, Ending.CANCELLED, "cancelled", "no"), NOW)
    assert (await bench.answer(refused.id)).ending is Ending.CANCELLED
    await bench.worker.drain(1)
    after = await make()
    after.accept(refused)
    await after.worker.drain(1)
    assert after.effects.written == []


async def test_without_a_ledger_row_nothing_is_changed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> bool:
        raise Unavailable("the ledger cannot be written: disk full", code="io_error")

    monkeypatch.setattr(bench.tools.ledger, "begin", refuse)
    answer = await bench.answer(bench.accept(write()).id)
    assert (answer.ending, answer.code) == (Ending.FAILED, "io_error")
    assert bench.effects.written == []


async def test_an_answer_waits_for_the_broker(bench: Bench) -> None:
    bench.responses.refuses = [Unavailable("away")] * 5
    change = bench.accept(write())
    assert (await bench.answer(change.id)).ending is Ending.COMPLETED


# -- work that ends later ----------------------------------------------------------------------


def later() -> Job:
    return job("thing.later", kind=Kind.MODIFY)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ASK_AGAIN_S", 0.002)


@pytest.mark.usefixtures("impatient")
class TestLater:
    async def begun(self, bench: Bench) -> Job:
        bench.effects.ends_at = NOW + timedelta(seconds=60)
        work = bench.accept(later())
        while not bench.effects.asked:
            await asyncio.sleep(0.001)
        return work

    async def test_the_answer_comes_when_the_work_has_ended(self, bench: Bench) -> None:
        work = await self.begun(bench)
        assert bench.responses.entries == {}
        bench.effects.go_on.set()
        answer = await bench.answer(work.id)
        assert (answer.ending, answer.changed, answer.started) == (Ending.COMPLETED, True, NOW)
        assert b'"text":"before"' in bytes(answer.data)
        assert bench.effects.written == [work.id]

    async def test_it_holds_up_nobody(self, make: MakeBench) -> None:
        bench = await make(max_jobs=1)
        await self.begun(bench)
        other = bench.accept(job("thing.locked", kind=Kind.MODIFY))
        bench.effects.go_on.set()
        await bench.answer(other.id)

    async def test_when_its_time_is_over_it_has_timed_out(self, bench: Bench) -> None:
        work = await self.begun(bench)
        bench.clock.pass_s(60)
        answer = await bench.answer(work.id)
        assert (answer.ending, answer.code) == (Ending.TIMEOUT, "timeout")

    async def test_a_failure_at_the_end_is_the_answer(self, bench: Bench) -> None:
        bench.effects.raises = Conflict("it was called off")
        work = bench.accept(later())
        answer = await bench.answer(work.id)
        assert (answer.ending, answer.code) == (Ending.FAILED, "conflict")

    async def test_it_can_be_cancelled(self, bench: Bench) -> None:
        work = await self.begun(bench)
        bench.worker.cancel(work.id)
        assert (await bench.answer(work.id)).ending is Ending.CANCELLED

    async def test_a_stopping_agent_leaves_it_to_the_next_one(self, make: MakeBench) -> None:
        bench = await make()
        work = await self.begun(bench)
        async with asyncio.timeout(2):
            await bench.worker.drain(60)
        assert bench.responses.entries == {}
        after = await make()
        await after.worker.recover()
        assert after.worker.standing(work.id) is Standing.IN_HAND
        after.effects.go_on.set()
        answer = await after.answer(work.id)
        assert (answer.ending, answer.started, answer.received) == (Ending.COMPLETED, NOW, NOW)
        assert after.effects.written == [work.id], "it was begun once"

    async def test_an_agent_that_died_is_no_reason_to_begin_it_again(self, make: MakeBench) -> None:
        """Even if it may not begin any more: it has."""
        bench = await make()
        work = await self.begun(bench)
        await bench.worker._tasks.cancel()
        after = await make()
        after.clock.pass_s(120)
        await after.worker.recover()
        assert after.worker.standing(work.id) is Standing.IN_HAND
        answer = await after.answer(work.id)
        assert (answer.ending, after.effects.written) == (Ending.TIMEOUT, [work.id])

    async def test_what_the_disk_refused_to_note_ends_all_the_same(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(*_: object) -> None:
            raise Unavailable("the ledger cannot be written: disk full", code="io_error")

        monkeypatch.setattr(bench.tools.ledger, "wait", refuse)
        work = await self.begun(bench)
        bench.effects.go_on.set()
        assert (await bench.answer(work.id)).ending is Ending.COMPLETED


async def test_a_stopping_agent_does_not_wait_for_who_only_listens(bench: Bench) -> None:
    listening = bench.accept(msgspec.structs.replace(hang(), followed=True))
    await bench.effects.began.wait()
    async with asyncio.timeout(2):
        await bench.worker.drain(60)
    assert (await bench.answer(listening.id)).ending is Ending.INTERRUPTED


async def test_who_listens_takes_nobodys_place(make: MakeBench) -> None:
    bench = await make(max_jobs=1)
    bench.accept(msgspec.structs.replace(hang(), followed=True))
    await bench.effects.began.wait()
    assert (await bench.answer(bench.accept(write()).id)).ending is Ending.COMPLETED


# -- restart -----------------------------------------------------------------------------------


async def die_at(bench: Bench, change: Job, *, claimed: bool = False) -> None:
    """Run until the fail point, and then nothing more, as after SIGKILL."""
    bench.worker.accept(Run(change, payload_of(change)), bench.clock(), claimed=claimed)
    task = bench.worker._held[change.id].task
    assert task is not None
    with pytest.raises(Death):
        await task


@pytest.mark.parametrize(
    ("point", "written", "ending"),
    [(BEFORE_START, 0, None), (AFTER_STARTED, 0, Ending.INTERRUPTED), (AFTER_EFFECT, 1, Ending.INTERRUPTED)],
)
async def test_a_change_cut_off_by_death_is_told_and_not_run_again(
    make: MakeBench, point: str, written: int, ending: Ending | None
) -> None:
    dying = await make(fail_at=point)
    change = write()
    await die_at(dying, change)
    after = await make()
    await after.worker.recover()
    if ending is None:
        after.accept(change)
        assert (await after.answer(change.id)).ending is Ending.COMPLETED
        assert after.effects.written == [change.id]
    else:
        assert after.worker.standing(change.id) is Standing.FINISHED, "a repeated message finds it from the start"
        answer = await after.answer(change.id)
        assert (answer.ending, answer.received, answer.started) == (ending, NOW, NOW)
        after.accept(change)
        await after.worker.drain(1)
        assert after.effects.written == [change.id] * written


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("undone", "reverted", "its change was undone"),
        ("undoing", "undo_failed", "its change could be undone only in part"),
    ],
)
async def test_a_change_cut_off_by_death_that_was_undone_is_told_so(
    make: MakeBench, name: str, code: str, told: str
) -> None:
    change = write()
    await die_at(await make(fail_at=AFTER_STARTED), change)
    after = await make(files={f"/state/trial/{name}": change.id.encode()})
    await after.worker.recover()
    answer = await after.answer(change.id)
    assert (answer.ending, answer.code) == (Ending.FAILED, code)
    assert answer.error == f"the agent ended while the job ran; {told}"


async def test_what_was_undone_for_another_job_says_nothing_about_this_one(make: MakeBench) -> None:
    change = write()
    await die_at(await make(fail_at=AFTER_STARTED), change)
    after = await make(files={"/state/trial/undone": b"another"})
    await after.worker.recover()
    assert (await after.answer(change.id)).ending is Ending.INTERRUPTED


@pytest.mark.parametrize(("stop", "ending"), [("cancel", Ending.CANCELLED), ("drain", Ending.FAILED)])
async def test_a_stopped_change_that_was_undone_is_told_so(make: MakeBench, stop: str, ending: Ending) -> None:
    files: dict[str, bytes] = {}
    bench = await make(files=files)
    held = bench.accept(hang())
    await bench.effects.began.wait()
    files["/state/trial/undone"] = held.id.encode()
    if stop == "cancel":
        bench.worker.cancel(held.id)
    else:
        await bench.worker.drain(0.01)
    answer = await bench.answer(held.id)
    assert (answer.ending, answer.code) == (ending, "reverted")
    assert (answer.error or "").endswith("; its change was undone")


async def test_every_fail_point_is_tried_above() -> None:
    assert set(POINTS) == {BEFORE_START, AFTER_STARTED, AFTER_EFFECT}


async def test_an_idempotent_change_cut_off_by_death_is_run_again(make: MakeBench) -> None:
    dying = await make(fail_at=AFTER_EFFECT)
    change = job("thing.again", kind=Kind.MODIFY)
    await die_at(dying, change)
    after = await make()
    await after.worker.recover()
    assert (await after.answer(change.id)).ending is Ending.COMPLETED
    assert after.effects.written == [change.id, change.id]


async def test_an_idempotent_change_that_expired_meanwhile_is_interrupted(make: MakeBench) -> None:
    dying = await make(fail_at=AFTER_STARTED)
    change = job("thing.again", kind=Kind.MODIFY)
    await die_at(dying, change)
    after = await make()
    after.clock.pass_s(61)
    await after.worker.recover()
    assert (await after.answer(change.id)).ending is Ending.INTERRUPTED
    assert after.effects.written == []


@pytest.mark.parametrize(("away_s", "ending"), [(1, Ending.COMPLETED), (61, Ending.EXPIRED)])
async def test_a_claimed_change_is_taken_up_after_death(make: MakeBench, away_s: float, ending: Ending) -> None:
    before = await make()
    change = write(route="_any")
    await before.tools.ledger.claim(change.id, NOW, change.expires, payload_of(change))
    after = await make()
    after.clock.pass_s(away_s)
    await after.worker.recover()
    assert (await after.answer(change.id)).ending is ending
    assert len(after.effects.written) == (ending is Ending.COMPLETED)


async def test_an_answer_that_did_not_reach_the_broker_is_told_after_a_restart(make: MakeBench) -> None:
    before = await make()
    before.responses.refuses = [Unavailable("away")] * 1_000_000
    change = before.accept(write())
    async with asyncio.timeout(5):
        while await before.tools.ledger.response(change.id) is None:
            await asyncio.sleep(0)
    await before.worker._tasks.cancel()
    before.responses.refuses = []
    after = await make()
    await after.worker.recover()
    assert (await after.answer(change.id)).ending is Ending.COMPLETED
    assert after.effects.written == [change.id]


async def test_what_was_reported_is_not_told_again(make: MakeBench) -> None:
    before = await make()
    await before.answer(before.accept(write()).id)
    await before.worker.drain(1)
    after = await make()
    assert await after.tools.ledger.unreported() == []


# -- shutdown ----------------------------------------------------------------------------------


async def test_a_drain_waits_for_what_runs(bench: Bench) -> None:
    held = bench.accept(hang())
    await bench.effects.began.wait()
    drained = asyncio.ensure_future(bench.worker.drain(5))
    await asyncio.sleep(0)
    bench.effects.go_on.set()
    await drained
    assert (await bench.answer(held.id)).ending is Ending.COMPLETED


async def test_what_does_not_end_in_time_is_stopped_and_told_as_interrupted(bench: Bench) -> None:
    held = bench.accept(hang())
    await bench.effects.began.wait()
    await bench.worker.drain(0.01)
    assert (await bench.answer(held.id)).ending is Ending.INTERRUPTED
    assert bench.effects.cancelled == 1


async def test_what_had_not_begun_is_left_for_the_next_start(make: MakeBench) -> None:
    bench = await make(max_jobs=1)
    bench.accept(hang())
    queued = bench.accept(write())
    taken = bench.accept(job(route="_any"), claimed=True)
    await bench.effects.began.wait()
    await bench.worker.drain(0.01)
    assert subjects.response_key(queued.id, ME) not in bench.responses.entries
    assert (await bench.answer(taken.id)).ending is Ending.REJECTED


async def test_an_empty_drain_is_quick_and_may_be_repeated(bench: Bench) -> None:
    async with asyncio.timeout(0.5):
        await bench.worker.drain(5)
        await bench.worker.drain(5)


async def test_a_broker_that_is_away_does_not_hold_up_the_end_for_long(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osapi.agent.worker.REPORT_S", 0.05)
    bench = await make()
    bench.responses.refuses = [Unavailable("away")] * 10_000_000
    change = bench.accept(write())
    async with asyncio.timeout(5):
        await bench.worker.drain(5)
    bench.responses.refuses = []
    after = await make()
    assert [row.job for row in await after.tools.ledger.unreported()] == [change.id]
