"""The trail of one request: what is told before, and what after, whichever comes first."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from tests.unit.audit.kit import START

from osapi.audit.ids import EntryIds
from osapi.audit.open_jobs import OpenJobs
from osapi.audit.question import Question
from osapi.audit.record import Addition, Entry, Record
from osapi.audit.refusals import Refusals
from osapi.audit.trail import MOST_NAMES, Desk, RequestTrail
from osapi.contract.ids import JobId, MachineId
from osapi.contract.trail import Errand, HostCounts

pytestmark = pytest.mark.anyio

DONE = HostCounts(states={"completed": 2})
HALF = HostCounts(states={"completed": 1, "silent": 1}, failed=("web-2",))


class Wish(msgspec.Struct):
    text: str = "red"


@dataclass
class Paper:
    """Where a trail writes, and the desk it stands on."""

    records: list[Record] = field(default_factory=list[Record])
    jobs: OpenJobs = field(default_factory=OpenJobs)

    async def keep(self, entry: Record, /) -> None:
        self.records.append(entry)

    def note(self, entry: Record, /) -> None:
        self.records.append(entry)

    def trail(self, *, changes: bool = True) -> RequestTrail:
        ids = EntryIds(START.timestamp)
        desk = Desk(self, Refusals(self.note, ids, START.timestamp), ids, START.timestamp, self.jobs)
        return RequestTrail(desk, Question("POST", "/api/thing", "", "PostThing", changes, "192.0.2.1", "r", ""))

    @property
    def states(self) -> list[dict[str, int]]:
        """What is told of hosts, in its order."""
        told = [one.outcome.states if one.outcome else one.states for one in self.records if isinstance(one, Addition)]
        return [states for states in told if states]


def errand(hosts: int = 2, request: msgspec.Struct | None = None) -> Errand:
    return Errand(
        job_id=JobId("j"),
        operation="test.thing.make",
        target="_all",
        hosts={MachineId(f"m{number}"): f"web-{number}" for number in range(hosts)},
        request=request or Wish(),
    )


async def test_a_job_is_told_before_and_its_outcome_after() -> None:
    paper = Paper()
    trail = paper.trail()
    await trail.about_to_submit(errand())
    [entry] = paper.records
    assert isinstance(entry, Entry)
    assert entry.job is not None
    assert (entry.job.job_id, entry.job.hosts, bytes(entry.request)) == ("j", ("web-0", "web-1"), b'{"text":"red"}')
    trail.answered(DONE)
    trail.close(200, "", "j")
    paper.jobs.ended("j", lambda: DONE)
    assert paper.states == [{"completed": 2}]


async def test_the_end_of_a_job_that_was_answered_before_is_told_when_it_comes() -> None:
    paper = Paper()
    trail = paper.trail()
    await trail.about_to_submit(errand())
    trail.answered(HALF)
    trail.close(202, "", "j")
    paper.jobs.ended("j", lambda: DONE)
    paper.jobs.ended("j", lambda: HALF)
    assert paper.states == [{"completed": 1, "silent": 1}, {"completed": 2}]


async def test_the_end_of_a_job_that_comes_before_the_answer_is_told_with_it() -> None:
    """Nobody waited, and the hosts were quick."""
    paper = Paper()
    trail = paper.trail()
    await trail.about_to_submit(errand())
    paper.jobs.ended("j", lambda: DONE)
    trail.close(202, "", "j")
    assert paper.states == [{"completed": 2}]


async def test_a_request_that_makes_a_job_as_part_of_its_work_tells_both() -> None:
    paper = Paper()
    trail = paper.trail()
    await trail.about_to_change(Wish("again"))
    await trail.about_to_submit(errand())
    entry, job = paper.records
    assert isinstance(entry, Entry)
    assert isinstance(job, Addition)
    assert bytes(entry.request) == b'{"text":"again"}'
    assert job.job is not None


async def test_a_read_tells_nothing_before() -> None:
    paper = Paper()
    trail = paper.trail(changes=False)
    await trail.about_to_submit(errand())
    assert paper.records == []
    trail.answered(DONE)
    trail.close(200)
    [entry] = paper.records
    assert isinstance(entry, Entry)
    assert entry.job is not None
    assert entry.outcome is not None
    assert entry.outcome.states == {"completed": 2}
    assert entry.request == msgspec.Raw(b"null")


async def test_of_many_hosts_some_are_named_and_all_are_counted() -> None:
    paper = Paper()
    await paper.trail().about_to_submit(errand(1000))
    [entry] = paper.records
    assert isinstance(entry, Entry)
    assert entry.job is not None
    assert (len(entry.job.hosts), entry.job.host_count) == (MOST_NAMES, 1000)


async def test_a_request_that_is_too_long_is_told_by_its_digest() -> None:
    paper = Paper()
    await paper.trail().about_to_submit(errand(request=Wish("x" * 100_000)))
    [entry] = paper.records
    told = msgspec.json.decode(entry.request)
    assert told["left_out"] == "too long"
    assert told["bytes"] == 100_011
    assert len(told["sha256"]) == 64


def test_jobs_that_are_remembered_are_bounded() -> None:
    paper = Paper()
    jobs = OpenJobs(most=2)
    told: list[str] = []

    class Follower:
        def __init__(self, name: str) -> None:
            self.name = name

        def ended(self, counts: HostCounts, /) -> None:
            told.append(self.name)

    for name in "abc":
        jobs.expect(name, Follower(name))
    jobs.forget("b")
    for name in "abc":
        jobs.ended(name, lambda: DONE)
    assert told == ["c"]
    assert paper.records == []
