"""What the ledger remembers, also after a crash and with a full disk."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.agent.kit import NOW

from osapi.agent.ledger import KEEP, Ledger, Row, State
from osapi.contract.errors import Unavailable
from osapi.contract.ids import JobId

pytestmark = pytest.mark.anyio

JOB, OTHER = JobId("job-1"), JobId("job-2")
EXPIRES = NOW + timedelta(seconds=60)
LATER = NOW + timedelta(seconds=1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(tmp_path / "ledger.db", NOW)
    yield ledger
    await ledger.close()


async def crashed(ledger: Ledger, tmp_path: Path) -> Ledger:
    """The ledger as a new process finds it: what is in the files now, the old one not closed."""
    copy = tmp_path / "after"
    copy.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(tmp_path / name, copy)
    return await Ledger.open(copy / "ledger.db", NOW + timedelta(days=1))


async def begin(ledger: Ledger, job: JobId = JOB, payload: bytes | None = None) -> bool:
    return await ledger.begin(job, NOW, LATER, EXPIRES, payload)


async def test_a_job_begins_once(ledger: Ledger) -> None:
    assert await begin(ledger)
    assert not await begin(ledger)


async def test_a_claimed_job_may_begin_once(ledger: Ledger) -> None:
    await ledger.claim(JOB, NOW, EXPIRES, b"payload")
    assert await begin(ledger)
    assert not await begin(ledger)


async def test_a_finished_job_never_begins(ledger: Ledger) -> None:
    await ledger.finish(JOB, NOW, EXPIRES, b"cancelled")
    assert not await begin(ledger)


async def test_an_idempotent_job_may_begin_again_until_it_has_finished(ledger: Ledger) -> None:
    assert await begin(ledger, payload=b"payload")
    assert await begin(ledger, payload=b"payload")
    await ledger.finish(JOB, NOW, EXPIRES, b"done")
    assert not await begin(ledger, payload=b"payload")


async def test_claiming_a_known_job_changes_nothing(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.claim(JOB, NOW, EXPIRES, b"payload")
    assert [row.state for row in await ledger.unreported()] == [State.STARTED]


async def test_the_first_end_stays(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.finish(JOB, NOW, EXPIRES, b"first")
    await ledger.finish(JOB, NOW, EXPIRES, b"second")
    assert await ledger.response(JOB) == b"first"
    assert await ledger.response(OTHER) is None


async def test_what_was_committed_survives_a_crash(ledger: Ledger, tmp_path: Path) -> None:
    await ledger.claim(JobId("a"), NOW, EXPIRES, b"payload")
    await begin(ledger, JobId("b"))
    await begin(ledger, JobId("c"))
    await ledger.finish(JobId("c"), NOW, EXPIRES, b"done")
    after = await crashed(ledger, tmp_path)
    assert await after.unreported() == [
        Row(JobId("a"), State.CLAIMED, NOW, None, EXPIRES, b"payload", None),
        Row(JobId("b"), State.STARTED, NOW, LATER, EXPIRES, None, None),
        Row(JobId("c"), State.FINISHED, NOW, LATER, EXPIRES, None, b"done"),
    ]
    assert not await begin(after, JobId("b"))
    await after.close()


async def test_reported_jobs_are_written_along_with_the_next_commit(ledger: Ledger, tmp_path: Path) -> None:
    await begin(ledger)
    await ledger.finish(JOB, NOW, EXPIRES, b"done")
    ledger.reported(JOB)
    assert await begin(ledger, OTHER)
    after = await crashed(ledger, tmp_path)
    assert [row.job for row in await after.unreported()] == [OTHER]
    await after.close()


async def test_reported_jobs_are_written_at_the_close(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path / "ledger.db", NOW)
    await ledger.finish(JOB, NOW, EXPIRES, b"done")
    ledger.reported(JOB)
    await ledger.close()
    await ledger.close()
    again = await Ledger.open(tmp_path / "ledger.db", NOW)
    assert await again.unreported() == []
    await again.close()


async def test_an_agent_joins_once(ledger: Ledger, tmp_path: Path) -> None:
    after = await crashed(ledger, tmp_path)
    assert (ledger.joined, after.joined) == (NOW, NOW)
    await after.close()


async def test_rows_are_kept_a_day_after_expiry_and_until_they_are_reported(ledger: Ledger) -> None:
    for job in (JOB, OTHER):
        await begin(ledger, job)
        await ledger.finish(job, NOW, EXPIRES, b"done")
    ledger.reported(JOB)
    assert await ledger.prune(EXPIRES + KEEP) == 0
    assert await ledger.prune(EXPIRES + KEEP + timedelta(seconds=1)) == 1
    assert await ledger.response(OTHER) == b"done"


async def test_a_full_disk_refuses_the_row_and_the_ledger_works_on_when_there_is_room(ledger: Ledger) -> None:
    ledger.reported(OTHER)
    pages = ledger._store._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Unavailable, match="the ledger cannot be written") as refused:
        await begin(ledger, payload=bytes(100_000))
    assert refused.value.error_code == "io_error"
    ledger._store._db.execute("PRAGMA max_page_count=100000")
    assert await begin(ledger, payload=bytes(100_000))


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="the ledger cannot be written"):
        await Ledger.open(tmp_path / "missing" / "ledger.db", NOW)


async def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(Unavailable):
        await Ledger.open(path, NOW)


async def test_a_ledger_of_another_format_is_refused(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path / "ledger.db", NOW)
    ledger._store._db.execute("PRAGMA user_version = 99")
    await ledger.close()
    with pytest.raises(Unavailable, match="has format 99"):
        await Ledger.open(tmp_path / "ledger.db", NOW)


# -- work that ends later ----------------------------------------------------------------------


async def test_what_waits_is_found_after_a_crash_and_never_begins_again(ledger: Ledger, tmp_path: Path) -> None:
    await begin(ledger)
    await ledger.wait(JOB, b"payload", b"note")
    after = await crashed(ledger, tmp_path)
    assert await after.unreported() == [
        Row(JOB, State.STARTED, NOW, LATER, EXPIRES, b"payload", response=None, waiting=b"note")
    ]
    assert not await begin(after, payload=b"payload")
    await after.close()


async def test_only_what_has_begun_can_wait(ledger: Ledger) -> None:
    await ledger.claim(JOB, NOW, EXPIRES, b"payload")
    await ledger.wait(JOB, b"payload", b"note")
    assert [row.waiting for row in await ledger.unreported()] == [None]


async def test_what_has_ended_waits_no_longer(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.wait(JOB, b"payload", b"note")
    await ledger.finish(JOB, NOW, EXPIRES, b"answer")
    (row,) = await ledger.unreported()
    assert (row.state, row.waiting, row.payload) == (State.FINISHED, None, None)


async def test_a_ledger_of_the_first_format_is_read_and_goes_on(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.executescript(
        """
        CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT NOT NULL, received REAL NOT NULL, started REAL,
            expires REAL NOT NULL, payload BLOB, response BLOB, reported INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
        CREATE INDEX jobs_open ON jobs (expires) WHERE reported = 0;
        CREATE TABLE agent (joined REAL NOT NULL) STRICT;
        INSERT INTO agent VALUES (1);
        INSERT INTO jobs (id, state, received, started, expires) VALUES ('job-1', 'started', 1, 2, 3);
        PRAGMA user_version = 1;
        """
    )
    db.close()
    ledger = await Ledger.open(tmp_path / "ledger.db", NOW)
    assert [(row.job, row.state, row.waiting) for row in await ledger.unreported()] == [(JOB, State.STARTED, None)]
    assert await begin(ledger, OTHER)
    await ledger.wait(OTHER, b"payload", b"note")
    await ledger.close()
    again = await Ledger.open(tmp_path / "ledger.db", NOW)
    assert {row.job: row.waiting for row in await again.unreported()} == {JOB: None, OTHER: b"note"}
    await again.close()
