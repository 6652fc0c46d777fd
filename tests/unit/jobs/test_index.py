"""The index against every order in which messages of the broker can arrive."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.jobs.index import Change, Index
from osapi.jobs.record import Actor, Ending, Event, Job, Response, Roster, StatusEvent
from osapi.jobs.status import GRACE_S, JobStatus, job_status

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START.timestamp()
EXPIRY_S, DEADLINE_S = 60.0, 30.0


def record(job: str, hosts: Sequence[str] = ("m1",), *, route: str = "_all", actor: str = "eve") -> bytes:
    head = Job(
        id=JobId(job),
        operation="node.os.get",
        kind=Kind.QUERY,
        request=msgspec.Raw(b"{}"),
        target="_all",
        route=route,
        actor=Actor(subject=actor),
        issued=START,
        expires=START + timedelta(seconds=EXPIRY_S),
        deadline_s=DEADLINE_S,
    )
    roster = Roster(hosts={MachineId(host): f"name-{host}" for host in hosts})
    return b'{"key":"k","signature":""}\n' + msgspec.json.encode(head) + b"\n" + msgspec.json.encode(roster)


def response(job: str, machine: str, ending: Ending = Ending.COMPLETED) -> Response:
    return Response(
        job_id=JobId(job),
        machine_id=MachineId(machine),
        hostname=f"name-{machine}",
        ending=ending,
        received=START,
        finished=START + timedelta(seconds=1),
    )


def event(job: str, machine: str, what: Event) -> bytes:
    return msgspec.json.encode(
        StatusEvent(job_id=JobId(job), event=what, machine_id=machine, hostname=machine, timestamp=START)
    )


class Recorder:
    def __init__(self) -> None:
        self.changes: list[str] = []

    def __call__(self, change: Change, answer: Response | None) -> None:
        self.changes.append(change.event)


@pytest.fixture
def index() -> Index:
    return Index(Recorder())


def status(index: Index, job: str = "j") -> JobStatus:
    entry = index.get(job)
    assert entry is not None
    return entry.status


@given(st.permutations(["record", "started", "r1", "r2"]))
def test_the_order_of_arrival_does_not_change_the_outcome(order: list[str]) -> None:
    index = Index(Recorder())
    arrive = {
        "record": lambda: index.add(record("j", ["m1", "m2"]), 1, NOW),
        "started": lambda: index.note_event(event("j", "m1", Event.STARTED), NOW),
        "r1": lambda: index.note_response(response("j", "m1"), NOW),
        "r2": lambda: index.note_response(response("j", "m2", Ending.FAILED), NOW),
    }
    for what in order:
        arrive[what]()
    assert status(index) is JobStatus.PARTIAL_FAILURE
    assert index.counts() == {"partial_failure": 1}
    assert not index.unfinished()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([*Ending, Event.STARTED, Event.ACKNOWLEDGED])), max_size=8),
    st.floats(0, 120),
)
def test_the_quick_way_to_a_status_is_the_long_way(signs: list[tuple[int, Ending | Event]], later: float) -> None:
    index = Index(Recorder())
    index.add(record("j", ["m0", "m1", "m2", "m3"]), 1, NOW)
    for host, sign in signs:
        if isinstance(sign, Ending):
            index.note_response(response("j", f"m{host}", sign), NOW)
        else:
            index.note_event(event("j", f"m{host}", sign), NOW)
    entry = index.get("j")
    assert entry is not None
    now = NOW + later
    states = [entry.state_of(note, now) for note in entry.notes.values()]
    assert entry.compute(now) is job_status(states)


def test_a_job_that_nobody_answers_expires_by_itself(index: Index) -> None:
    index.add(record("j"), 1, NOW)
    index.tick(NOW + EXPIRY_S)
    assert status(index) is JobStatus.SUBMITTED
    index.tick(NOW + EXPIRY_S + GRACE_S)
    assert status(index) is JobStatus.EXPIRED


def test_an_answer_that_comes_after_the_end_counts(index: Index) -> None:
    index.add(record("j"), 1, NOW)
    index.tick(NOW + 1000)
    index.note_response(response("j", "m1", Ending.INTERRUPTED), NOW + 1001)
    assert status(index) is JobStatus.INTERRUPTED


def test_a_sign_of_life_after_the_end_reopens_the_job(index: Index) -> None:
    index.add(record("j"), 1, NOW)
    index.tick(NOW + EXPIRY_S + GRACE_S)
    index.note_event(event("j", "m1", Event.ACKNOWLEDGED), NOW + EXPIRY_S + GRACE_S)
    assert status(index) is JobStatus.PROCESSING
    index.tick(NOW + EXPIRY_S + DEADLINE_S + GRACE_S)
    assert status(index) is JobStatus.TIMEOUT


def test_an_answer_of_a_host_that_was_not_asked_is_ignored(index: Index) -> None:
    index.add(record("j", ["m1"]), 1, NOW)
    index.note_response(response("j", "stranger"), NOW)
    assert status(index) is JobStatus.SUBMITTED


def test_the_first_host_that_takes_an_any_job_answers_for_it(index: Index) -> None:
    index.add(record("j", [], route="_any"), 1, NOW)
    index.note_response(response("j", "m7"), NOW)
    entry = index.get("j")
    assert entry is not None
    assert entry.status is JobStatus.COMPLETED
    assert (entry.expected, entry.answered, entry.last_host) == (1, 1, "name-m7")


def test_a_cancelled_job_ends_cancelled_when_hosts_stay_silent(index: Index) -> None:
    index.add(record("j"), 1, NOW)
    index.note_event(event("j", "_api", Event.CANCEL_REQUESTED), NOW)
    index.tick(NOW + EXPIRY_S + GRACE_S)
    assert status(index) is JobStatus.CANCELLED


def test_pages_go_from_the_newest_to_the_oldest_and_do_not_overlap(index: Index) -> None:
    for number in range(25):
        index.add(record(f"j{number}", actor="eve" if number % 2 else "bob"), number + 1, NOW)
    total, first = index.page(None, limit=10)
    assert total == 25
    assert [entry.id for entry in first] == [f"j{n}" for n in range(24, 14, -1)]
    _, by_cursor = index.page(None, limit=10, before=first[-1].revision)
    _, by_offset = index.page(None, limit=10, offset=10)
    assert by_cursor == by_offset
    total, of_bob = index.page(lambda entry: entry.actor == "bob", limit=100)
    assert total == len(of_bob) == 13


def test_a_deleted_job_is_forgotten_and_no_longer_counted(index: Index) -> None:
    index.add(record("j"), 1, NOW)
    index.remove("j")
    assert len(index) == 0
    assert index.counts() == {}
    assert not index.unfinished()


def test_jobs_older_than_the_retention_are_forgotten() -> None:
    index = Index(Recorder(), retention_s=100)
    index.add(record("j"), 1, NOW)
    index.tick(NOW + 99)
    assert len(index) == 1
    index.tick(NOW + 101)
    assert len(index) == 0


@pytest.mark.parametrize(
    "broken", [b"", b"x", b"a\nb", b"a\nb\nc", b"{}\n{}\n{}", b"\xff\n\xff\n\xff", b'{"job_id":"\xff"}', b"[" * 100_000]
)
def test_messages_that_cannot_be_read_change_nothing(index: Index, broken: bytes) -> None:
    index.add(broken, 1, NOW)
    index.note_event(broken, NOW)
    assert len(index) == 0


def test_the_observer_hears_each_step_once() -> None:
    seen = Recorder()
    index = Index(seen)
    index.add(record("j"), 1, NOW)
    index.add(record("j"), 1, NOW)
    index.note_event(event("j", "m1", Event.STARTED), NOW)
    index.note_response(response("j", "m1"), NOW)
    assert seen.changes == ["submitted", "started", "completed", "done"]
