"""The index against a plain list of the same entries."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.audit.kit import SIGNER, START, entry, outcome

from osapi.audit import ids, record
from osapi.audit.block import ROWS, parts
from osapi.audit.criteria import Criteria
from osapi.audit.index import Index
from osapi.audit.kind import Kind
from osapi.audit.record import BEGINNING, Addition, Entry, Job, Record

pytestmark = pytest.mark.anyio

JOB = "9f1c7bd0-1111-4222-8333-123456789abc"


@dataclass
class Written:
    """An index, and every entry that it was told with the status it has by now."""

    index: Index = field(default_factory=Index)
    entries: list[tuple[Entry, int]] = field(default_factory=list[tuple[Entry, int]])
    sequence: int = 0

    def write(self, *records: Record) -> None:
        """One message."""
        self.sequence += 1
        content = [record.encode(one) for one in records]
        self.index.take(self.sequence, record.seal(SIGNER, BEGINNING, self.sequence, START, content))

    def add(self, **more: Any) -> Entry:
        """One entry in a message of its own."""
        one = entry(**more)
        self.write(one)
        self.entries.append((one, one.outcome.response_code if one.outcome else 0))
        return one

    async def ids(self, limit: int = 100, **criteria: Any) -> list[str]:
        """The ids of a page."""
        _, rows = await self.index.page(Criteria(**criteria), limit=limit)
        return [str(uuid.UUID(bytes=row.id)) for row in rows]


def many(written: Written, count: int) -> None:
    """Entries of several users and paths, in messages of several records."""
    pick = random.Random(7)
    batch: list[Record] = []
    for number in range(count):
        one = entry(
            status=pick.choice([200, 200, 200, 404]),
            user=pick.choice(["anna", "bert", "carl"]),
            method=pick.choice(["GET", "PUT"]),
            path=pick.choice(["/api/job", "/api/job/1", "/api/agent"]),
            timestamp=START + timedelta(seconds=number),
        )
        assert one.outcome is not None
        written.entries.append((one, one.outcome.response_code))
        batch.append(one)
        if len(batch) == pick.choice([1, 3, 7]):
            written.write(*batch)
            batch = []
    written.write(*batch)


@pytest.fixture(scope="module")
def large() -> Written:
    written = Written()
    many(written, 3 * ROWS + 100)
    return written


@pytest.mark.parametrize(
    ("criteria", "accepts"),
    [
        ({}, lambda one, _: True),
        ({"equal": {"user": "anna"}}, lambda one, _: one.user == "anna"),
        ({"equal": {"status": 404}}, lambda _, status: status == 404),
        ({"equal": {"user": "anna", "method": "PUT"}}, lambda one, _: one.user == "anna" and one.method == "PUT"),
        ({"equal": {"user": "nobody"}}, lambda one, _: False),
        ({"path": "/api/job"}, lambda one, _: one.path.startswith("/api/job")),
        ({"path": "/api/job/1"}, lambda one, _: one.path == "/api/job/1"),
        ({"path": "/api/jo"}, lambda one, _: False),
        ({"since": START.timestamp() + 1500}, lambda one, _: one.timestamp >= START + timedelta(seconds=1500)),
        ({"until": START.timestamp() + 1500}, lambda one, _: one.timestamp < START + timedelta(seconds=1500)),
        (
            {"equal": {"user": "bert"}, "since": START.timestamp() + 900, "until": START.timestamp() + 2500},
            lambda one, _: (
                one.user == "bert" and START + timedelta(seconds=900) <= one.timestamp < START + timedelta(seconds=2500)
            ),
        ),
    ],
)
@pytest.mark.parametrize("offset", [0, 5, 1500, 100_000])
async def test_a_page_is_what_a_plain_list_would_give(large: Written, criteria: Any, accepts: Any, offset: int) -> None:
    expected = [one.id for one, status in reversed(large.entries) if accepts(one, status)]
    total, rows = await large.index.page(Criteria(**criteria), limit=20, offset=offset)
    assert total == len(expected)
    assert [str(uuid.UUID(bytes=row.id)) for row in rows] == expected[offset : offset + 20]


async def test_pages_by_cursor_hold_everything_once(large: Written) -> None:
    seen: list[bytes] = []
    before: int | None = None
    while True:
        total, rows = await large.index.page(Criteria(equal={"user": "carl"}), limit=100, before=before)
        if not rows:
            break
        seen += [row.id for row in rows]
        before = rows[-1].place
    assert len(seen) == len(set(seen)) == total


async def test_every_entry_is_found_by_its_id(large: Written) -> None:
    for one, _ in random.Random(3).sample(large.entries, 50):
        row = large.index.find(ids.compact(one.id))
        assert row is not None
        assert row.user == one.user
    assert large.index.find(ids.compact(entry().id)) is None


async def test_an_outcome_completes_its_entry() -> None:
    written = Written()
    one = written.add(status=None, kind=Kind.CHANGE)
    assert await written.ids(equal={"status": 0}) == [one.id]
    written.write(outcome(one, 409))
    assert await written.ids(equal={"status": 409}) == [one.id]
    row = written.index.find(ids.compact(one.id))
    assert row is not None
    assert [parts(at) for at in (row.place, *row.more)] == [(1, 0), (2, 0)]


async def test_an_entry_is_found_by_the_job_that_it_made_later() -> None:
    written = Written()
    one = written.add(status=None)
    job = Job(job_id=JOB, operation="node.sysctl.create", target="_all")
    written.write(Addition(id=one.id, job=job))
    assert await written.ids(job=ids.compact(JOB)) == [one.id]
    assert await written.ids(equal={"operation": "node.sysctl.create"}) == [one.id]


async def test_an_entry_that_waits_for_its_outcome_outlives_thousands_of_others() -> None:
    """The block it is in is packed long before, and still takes the outcome."""
    written = Written()
    slow = written.add(status=None)
    many(written, 3 * ROWS)
    lost = [entry(None) for _ in range(70 * ROWS)]
    for start in range(0, len(lost), 200):
        written.write(*lost[start : start + 200])
    assert await written.ids(equal={"status": 0}, until=START.timestamp() + 1, limit=1) != []
    written.write(outcome(slow, 202))
    assert await written.ids(equal={"status": 202}) == [slow.id]


async def test_only_so_many_are_kept() -> None:
    written = Written(Index(kept=2 * ROWS))
    many(written, 4 * ROWS)
    total, _ = await written.index.page(Criteria(), limit=1)
    assert ROWS <= total <= 2 * ROWS
    assert total == len(written.index)


async def test_what_is_older_than_the_stream_keeps_is_forgotten() -> None:
    written = Written()
    many(written, 3 * ROWS)
    written.index.forget_before((START + timedelta(seconds=2 * ROWS)).timestamp())
    assert len(written.index) == ROWS


async def test_a_message_that_is_none_of_the_chain_changes_nothing() -> None:
    written = Written()
    one = written.add()
    written.index.take(2, b"\xff nothing of ours")
    written.write(entry(id="nothing-of-ours"))
    written.write(outcome(entry()))
    assert await written.ids() == [one.id]


async def test_another_stream_is_another_index() -> None:
    written = Written()
    written.add()
    written.index.clear()
    assert await written.ids() == []


async def test_a_million_entries_take_less_than_a_hundred_megabytes() -> None:
    """Measured on 20 blocks."""
    written = Written()
    for start in range(0, 20 * ROWS, 64):
        batch = [
            entry(path=f"/api/job/9f1c7bd0-1111-4222-8333-{start + number:012x}", timestamp=START)
            for number in range(64)
        ]
        written.write(*batch)
    packed = sum(block.bytes_packed for block in written.index.blocks if block.is_packed)
    count = sum(len(block) for block in written.index.blocks if block.is_packed)
    print(f"audit index: {packed / count:.0f} bytes an entry")
    assert packed / count < 100
