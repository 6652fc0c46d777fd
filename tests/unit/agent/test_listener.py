"""What is heard is claimed, handed on, left or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.unit.agent.kit import ME, NOW, SIGNER, VERIFIER, Clock, job, seal

from osapi.agent.duty import Duty
from osapi.agent.gaps import LAST_SEQUENCE, SEQUENCE
from osapi.agent.intake import Answer, Identity, Run, Standing
from osapi.agent.listener import Listener
from osapi.agent.puller import Puller
from osapi.agent.skew import Skew
from osapi.agent.slots import Slots
from osapi.agent.tools import Tools
from osapi.agent.worker import Worker
from osapi.contract.errors import Unavailable
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.fleet.models import DrainOrder
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Actor, Cancel, Ending, Job
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer
from osapi.transport.broker import Broker
from osapi.transport.queue import Delivery, PullQueue

pytestmark = pytest.mark.anyio
STRANGER = Signer(PrivateKey.generate())


@dataclass
class Sent:
    """A message as the transport hands it on."""

    subject: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Handed:
    """A delivery of the shared queue, which notes what is said about it."""

    def __init__(self, job: Job, *, sealed: bytes | None = None) -> None:
        self.subject = subjects.submission(job.kind, job.route)
        self.data = sealed or seal(job)
        self.delivered_count = 1
        self.headers: dict[str, str] = {}
        self.said: list[str] = []

    async def ack_sync(self) -> None:
        self.said.append("ack")

    async def nak(self) -> None:
        self.said.append("nak")

    async def term(self, reason: str) -> None:
        self.said.append(f"term {reason}")


class FakeQueue:
    """Hands out what it is given, then nothing."""

    def __init__(self, *handed: Handed) -> None:
        self.handed = list(handed)
        self.empty = asyncio.Event()
        self.left = asyncio.Event()

    async def close(self) -> None:
        self.left.set()

    async def fetch(self, _: float) -> Handed:
        if self.handed:
            return self.handed.pop(0)
        self.empty.set()
        return await asyncio.get_running_loop().create_future()


class FakeBroker:
    """Keeps the handlers, so that tests can speak to them."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.flushed = 0

    async def subscribe(self, subject: str, handler: Any) -> FakeBroker:
        self.handlers[subject] = handler
        return self

    async def unsubscribe(self) -> None:
        self.handlers.clear()

    async def flush(self) -> None:
        self.flushed += 1


class FakeWorker:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, JobId]] = []
        self.known: dict[JobId, Standing] = {}
        self.endings: list[Ending] = []

    def standing(self, job: JobId) -> Standing:
        return self.known.get(job, Standing.NEW)

    def accept(self, run: Run, _: object, *, claimed: bool = False) -> None:
        self.told.append(("claimed" if claimed else "accept", run.job.id))
        self.known[run.job.id] = Standing.IN_HAND

    def answer(self, answer: Answer, _: object) -> None:
        self.told.append(("answer", answer.job.id))
        self.endings.append(answer.ending)

    def remind(self, job: Job) -> None:
        self.told.append(("remind", job.id))

    def cancel(self, job: JobId) -> None:
        self.told.append(("cancel", job))


class FakeLedger:
    """Notes claims, or refuses them."""

    def __init__(self) -> None:
        self.claims: list[JobId] = []
        self.full = False

    async def claim(self, job: JobId, *_: object) -> None:
        if self.full:
            raise Unavailable("disk full", code="io_error")
        self.claims.append(job)


class FakeClaims:
    """Grants every claim once, unless told otherwise."""

    def __init__(self) -> None:
        self.taken: set[JobId] = set()
        self.silent = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    async def take(self, job: Job, _: object) -> bool:
        self.asked.set()
        await self.answering.wait()
        if self.silent:
            raise Unavailable("no word from the broker")
        new = job.id not in self.taken
        self.taken.add(job.id)
        return new


@dataclass
class Ears:
    """A listener with everything around it in reach."""

    listener: Listener
    puller: Puller
    broker: FakeBroker
    worker: FakeWorker
    ledger: FakeLedger
    claims: FakeClaims
    clock: Clock
    gaps: list[None]
    duty: Duty
    skew: Skew

    async def hear(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        wildcard = subject.replace(".query.", ".*.").replace(".modify.", ".*.")
        await (self.broker.handlers.get(subject) or self.broker.handlers[wildcard])(Sent(subject, data, headers or {}))

    async def pull(self, *handed: Handed) -> None:
        queue = FakeQueue(*handed)
        self.puller.start(cast("PullQueue", queue))
        await queue.empty.wait()
        await self.puller.stop()


@pytest.fixture
async def ears(tmp_path: Path) -> Ears:
    clock, worker, ledger, broker, gaps = Clock(), FakeWorker(), FakeLedger(), FakeBroker(), list[None]()
    claims = FakeClaims()
    skew = Skew()
    few = {"now": clock, "slots": Slots(2), "ledger": ledger, "claims": claims, "skew": skew}
    tools = cast("Tools", type("Few", (), few))
    me = Identity(ME, NOW - timedelta(hours=1))
    duty = Duty(tmp_path / "drain.order", ME, VERIFIER, lambda: None)
    listener = Listener(
        me,
        {"group": "web.dev"},
        VERIFIER,
        cast("Worker", worker),
        tools,
        duty,
        lambda: gaps.append(None),
    )
    await listener.start(cast("Broker", broker))
    puller = Puller(me, VERIFIER, cast("Worker", worker), tools, duty)
    return Ears(listener, puller, broker, worker, ledger, claims, clock, gaps, duty, skew)


def anybody(**more: object) -> Job:
    return job(route="_any", **more)  # type: ignore[arg-type]


async def test_an_agent_listens_to_itself_everybody_and_each_level_of_its_labels(ears: Ears) -> None:
    assert set(ears.broker.handlers) == {
        "live.jobs.*._all",
        "live.jobs.*.host.me",
        "live.jobs.*.label.group.web",
        "live.jobs.*.label.group.web.dev",
        "cancel.me",
        "cancel._all",
        "drain.me",
    }
    assert ears.broker.flushed == 1


async def test_who_has_stopped_hears_nothing_more(ears: Ears) -> None:
    await ears.listener.stop()
    await ears.listener.stop()
    assert ears.broker.handlers == {}


async def test_what_is_heard_is_handed_on(ears: Ears) -> None:
    new, known, late = job(route="_all"), job(), job(issued=NOW - timedelta(hours=1))
    ears.worker.known[known.id] = Standing.FINISHED
    await ears.hear("live.jobs.query._all", seal(new))
    await ears.hear("live.jobs.query.host.me", seal(known))
    await ears.hear("live.jobs.query.host.me", seal(late))
    assert ears.worker.told == [("accept", new.id), ("remind", known.id), ("answer", late.id)]
    assert ears.worker.endings == [Ending.EXPIRED]


async def test_a_job_that_is_rejected_for_its_time_makes_us_ask_for_the_time_again(ears: Ears) -> None:
    ears.skew.learn(NOW - timedelta(hours=2))
    await ears.hear("live.jobs.query.host.me", seal(job()))
    assert ears.worker.endings == [Ending.REJECTED]
    assert ears.gaps == [None]


async def test_what_is_not_ours_or_not_signed_is_not_handed_on(ears: Ears) -> None:
    await ears.hear("live.jobs.query._all", seal(job(route="_all", expected=["other"])))
    await ears.hear("live.jobs.query._all", seal(job(route="_all"), STRANGER))
    await ears.hear("live.jobs.query._all", b"noise")
    assert ears.worker.told == []


async def test_a_gap_is_told_also_when_the_message_itself_is_not_ours(ears: Ears) -> None:
    others = seal(job(route="_all", expected=["other"]))
    await ears.hear("live.jobs.query._all", others, {SEQUENCE: "4", LAST_SEQUENCE: "0"})
    assert ears.gaps == []
    await ears.hear("live.jobs.query._all", others, {SEQUENCE: "9", LAST_SEQUENCE: "6"})
    assert ears.gaps == [None]


@pytest.mark.parametrize("subject", ["cancel.me", "cancel._all"])
async def test_a_signed_order_to_cancel_is_obeyed(ears: Ears, subject: str) -> None:
    order = msgspec.json.encode(Cancel(job_id=JobId("x"), issued=NOW, actor=Actor(subject="tester")))
    await ears.hear(subject, envelope.seal(SIGNER, envelope.CANCEL, order))
    assert ears.worker.told == [("cancel", "x")]


async def test_an_order_to_cancel_without_a_good_signature_is_not_obeyed(ears: Ears) -> None:
    order = msgspec.json.encode(Cancel(job_id=JobId("x"), issued=NOW, actor=Actor(subject="tester")))
    for forged in (
        envelope.seal(STRANGER, envelope.CANCEL, order),
        envelope.seal(SIGNER, envelope.JOB, order),
        envelope.seal(SIGNER, envelope.CANCEL, b"{}"),
        order,
    ):
        await ears.hear("cancel.me", forged)
    assert ears.worker.told == []


@pytest.mark.parametrize("kind", Kind)
async def test_a_job_for_anybody_is_claimed_before_it_is_run(ears: Ears, kind: Kind) -> None:
    taken = anybody(kind=kind)
    handed = Handed(taken)
    await ears.pull(handed)
    assert handed.said == ["ack"]
    assert ears.worker.told == [("claimed", taken.id)]
    assert ears.ledger.claims == ([taken.id] if kind is Kind.MODIFY else [])


async def test_a_claim_that_the_broker_does_not_confirm_is_neither_run_nor_acknowledged(ears: Ears) -> None:
    ears.claims.silent = True
    doubtful = Handed(anybody())
    await ears.pull(doubtful)
    assert (ears.worker.told, doubtful.said) == ([], [])


async def test_a_job_that_another_agent_has_claimed_is_acknowledged_and_not_run(ears: Ears) -> None:
    taken = anybody()
    ears.claims.taken.add(taken.id)
    handed = Handed(taken)
    await ears.pull(handed)
    assert (ears.worker.told, handed.said) == ([], ["ack"])


async def test_a_job_for_anybody_that_is_forged_is_taken_out_of_the_queue(ears: Ears) -> None:
    forged = anybody()
    handed = Handed(forged, sealed=seal(forged, STRANGER))
    await ears.pull(handed)
    assert handed.said == ["term no valid signature"]
    assert ears.worker.told == []


async def test_a_job_for_anybody_from_before_we_joined_is_given_back_and_we_keep_away_until_it_expired(
    ears: Ears,
) -> None:
    handed = Handed(anybody(issued=NOW - timedelta(hours=2), lasts_s=2 * 3600 + 0.2))
    begin = asyncio.get_running_loop().time()
    await ears.pull(handed)
    assert asyncio.get_running_loop().time() - begin >= 0.19
    assert handed.said == ["nak"]
    assert ears.worker.told == []


async def test_a_job_for_anybody_that_expired_is_claimed_and_answered(ears: Ears) -> None:
    handed = Handed(anybody(issued=NOW - timedelta(minutes=10)))
    await ears.pull(handed)
    assert handed.said == ["ack"]
    assert ears.worker.endings == [Ending.EXPIRED]


async def test_a_job_for_anybody_that_is_handed_to_us_twice_is_run_once(ears: Ears) -> None:
    taken = anybody()
    again = Handed(taken)
    await ears.pull(Handed(taken), again)
    assert again.said == ["ack"]
    assert ears.worker.told == [("claimed", taken.id)]


async def test_a_full_disk_is_left_for_the_worker_to_find(ears: Ears) -> None:
    ears.ledger.full = True
    taken = anybody(kind=Kind.MODIFY)
    await ears.pull(Handed(taken))
    assert ears.worker.told == [("claimed", taken.id)]


async def test_nothing_is_pulled_while_no_slot_is_free(ears: Ears) -> None:
    slots = ears.puller._tools.slots
    turns = [await slots.take(Kind.QUERY, None) for _ in range(2)]
    queue = FakeQueue(Handed(anybody()))
    ears.puller.start(cast("PullQueue", queue))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(queue.handed) == 1
    turns[0].release()
    await queue.empty.wait()
    await ears.puller.stop()
    assert len(ears.worker.told) == 1


async def test_an_agent_whose_slots_are_taken_meanwhile_leaves_the_line(ears: Ears) -> None:
    slots = ears.puller._tools.slots
    queue = FakeQueue()
    ears.puller.start(cast("PullQueue", queue))
    await queue.empty.wait()
    turns = [await slots.take(Kind.QUERY, None) for _ in range(2)]
    await queue.left.wait()
    queue.handed = [Handed(anybody())]
    turns[0].release()
    async with asyncio.timeout(5):
        while not ears.worker.told:
            await asyncio.sleep(0)
    await ears.puller.stop()


def order(*, drained: bool, machine: MachineId = ME, after_s: float = 0.0) -> bytes:
    issued = NOW + timedelta(seconds=after_s)
    made = DrainOrder(machine_id=machine, drained=drained, issued=issued, actor=Actor(subject="anna"))
    return envelope.seal(SIGNER, envelope.DRAIN, msgspec.json.encode(made))


async def test_a_drained_agent_leaves_the_line_and_comes_back(ears: Ears) -> None:
    queue = FakeQueue()
    ears.puller.start(cast("PullQueue", queue))
    await queue.empty.wait()
    await ears.hear("drain.me", order(drained=True))
    await queue.left.wait()
    queue.handed = [Handed(anybody())]
    for _ in range(5):
        await asyncio.sleep(0)
    assert ears.worker.told == []
    await ears.hear("drain.me", order(drained=False, after_s=1))
    async with asyncio.timeout(5):
        while not ears.worker.told:
            await asyncio.sleep(0)
    await ears.puller.stop()


async def test_a_job_for_anybody_that_arrives_while_drained_is_given_back(ears: Ears) -> None:
    await ears.duty.take(order(drained=True))
    handed = Handed(anybody())
    await ears.puller._consider(cast("Delivery", handed))
    assert (handed.said, ears.worker.told) == (["nak"], [])


async def test_a_claim_that_has_begun_is_brought_to_its_end_at_a_stop(ears: Ears) -> None:
    taken = anybody()
    ears.claims.answering.clear()
    ears.puller.start(cast("PullQueue", FakeQueue(Handed(taken))))
    await ears.claims.asked.wait()
    stopping = asyncio.ensure_future(ears.puller.stop())
    await asyncio.sleep(0)
    ears.claims.answering.set()
    await stopping
    assert ears.worker.told == [("claimed", taken.id)]
