"""What the chain tells of an entry, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest
from tests.unit.audit.kit import SIGNER, START, VERIFIER, entry, outcome

from osapi.audit import record, story
from osapi.audit.kind import Kind
from osapi.audit.record import BEGINNING, Addition, Entry, Job, Outcome, Record
from osapi.audit.story import PATIENCE, Story
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio

JOB = Job(job_id="j", operation="node.sysctl.create", target="group:web", hosts=("web-1",), host_count=2, dry_run=True)


def message(sequence: int, *records: Record, signer: Signer = SIGNER) -> bytes:
    return record.seal(signer, BEGINNING, sequence, START, [record.encode(one) for one in records])


async def stream(messages: Mapping[int, bytes]) -> AsyncIterator[tuple[int, bytes]]:
    for one in messages.items():
        yield one


async def all_of(messages: Mapping[int, bytes]) -> list[Story]:
    return [one async for one in story.stories(stream(messages), VERIFIER)]


def test_a_read_is_told_by_its_entry_alone() -> None:
    told = story.told(Story(3, entry(200, query="limit=1")))
    assert (told.response_code, told.sequence, told.query, told.kind) == (200, 3, "limit=1", Kind.READ)
    assert msgspec.to_builtins(told).keys() >= {"id", "timestamp", "user", "roles", "method", "path", "source_ip"}


def test_a_change_is_told_by_what_was_added_last() -> None:
    one = entry(None, kind=Kind.CHANGE, request=msgspec.Raw(b'{"id":"x"}'))
    done = Outcome(response_code=200, duration_ms=7, states={"completed": 1, "failed": 1}, failed=("web-2",))
    additions = [
        Addition(id=one.id, job=JOB, request=msgspec.Raw(b'{"key":"k"}')),
        Addition(id=one.id, outcome=done),
    ]
    told = story.told(Story(1, one, additions))
    assert (told.job_id, told.operation, told.target, told.hosts, told.host_count, told.dry_run) == (
        "j", "node.sysctl.create", "group:web", ["web-1"], 2, True,
    )  # fmt: skip
    assert (told.response_code, told.duration_ms, told.host_states, told.failed_hosts) == (
        200, 7, {"completed": 1, "failed": 1}, ["web-2"],
    )  # fmt: skip
    assert told.request == {"key": "k"}


def test_a_change_without_an_outcome_has_no_status() -> None:
    assert story.told(Story(1, entry(None))).response_code == 0


async def test_entries_are_given_when_they_are_complete() -> None:
    first, then = entry(None), entry(200)
    found = await all_of({1: message(1, first), 2: message(2, then), 3: message(3, outcome(first))})
    assert [one.entry.id for one in found] == [then.id, first.id]
    assert [one.sequence for one in found] == [2, 1]


async def test_entries_that_are_never_completed_are_given_all_the_same() -> None:
    early, late = entry(None), entry(None)
    empty = {sequence: message(sequence) for sequence in range(2, PATIENCE + 3)}
    found = all_of({1: message(1, early), **empty, PATIENCE + 4: message(PATIENCE + 4, late)})
    assert [one.entry.id for one in await found] == [early.id, late.id]


async def test_what_a_stranger_wrote_is_left_out() -> None:
    stranger = Signer(PrivateKey.generate())
    mine = entry(200)
    found = await all_of({1: message(1, entry(200), signer=stranger), 2: message(2, mine), 3: b"nothing"})
    assert [one.entry.id for one in found] == [mine.id]


def test_a_story_whose_entry_is_gone_is_none() -> None:
    one = entry(None)
    links = story.genuine(VERIFIER, {2: message(2, outcome(one))})
    assert story.find(links, [(1, 0), (2, 0)]) is None
    assert story.find({}, [(1, 0)]) is None
    assert isinstance(one, Entry)


def open_ended(states: dict[str, int]) -> tuple[Entry, Addition]:
    """A change that made a job, and how it was answered."""
    one = entry(None, kind=Kind.CHANGE, job=JOB)
    return one, Addition(id=one.id, outcome=Outcome(response_code=202, duration_ms=1, states=states))


async def test_a_job_that_goes_on_is_given_when_it_is_over() -> None:
    one, answered = open_ended({"completed": 1, "silent": 1})
    over = Addition(id=one.id, states={"completed": 1, "timeout": 1}, failed=("web-2",))
    between = entry(200)
    found = await all_of({1: message(1, one, answered), 2: message(2, between), 3: message(3, over)})
    assert [story.told(each).id for each in found] == [between.id, one.id]
    told = story.told(found[1])
    assert (told.response_code, told.host_states, told.failed_hosts) == (202, {"completed": 1, "timeout": 1}, ["web-2"])


async def test_a_job_that_was_over_when_it_was_answered_is_given_at_once() -> None:
    one, answered = open_ended({"completed": 2})
    found = await all_of({1: message(1, one, answered, entry(200))})
    assert found[0].entry.id == one.id
