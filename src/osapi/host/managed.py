"""Which files OSAPI has written on this host, and what it knew then. Kept beside the agent, so it works offline.

A record is provenance, not truth: whether a file is as it should be is always decided by looking at it.
SQLite with `synchronous=FULL`, so that a note which was made is there after a crash.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from osapi.host.ending import in_thread

_SCHEMA = """
CREATE TABLE IF NOT EXISTS managed (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    operation TEXT NOT NULL,
    job_id TEXT NOT NULL,
    recorded TEXT NOT NULL,
    settled INTEGER NOT NULL,
    metadata TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""
_COLUMNS = "path, sha256, operation, job_id, recorded, settled, metadata"


@dataclass(frozen=True, kw_only=True)
class ManagedFile:
    """The note about one file. `settled` False: an intention whose carrying out was not seen to end well."""

    path: str
    sha256: str
    operation: str
    job_id: str
    recorded: datetime
    settled: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


class ManagedFiles:
    """The notes about all files, by path. Safe to use from several tasks."""

    def __init__(self, database: Path | None) -> None:
        """`database` None keeps the notes in memory, for tests."""
        self._connection = sqlite3.connect(database or ":memory:", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    async def get(self, path: str) -> ManagedFile | None:
        """The note about a file; None when OSAPI did not write it."""
        rows = await self._rows(f"SELECT {_COLUMNS} FROM managed WHERE path = ?", path)  # noqa: S608 - constants
        return _record(rows[0]) if rows else None

    async def below(self, prefix: str) -> list[ManagedFile]:
        """The notes about files whose path begins with `prefix`, by path."""
        query = f"SELECT {_COLUMNS} FROM managed WHERE substr(path, 1, length(?)) = ? ORDER BY path"  # noqa: S608
        return [_record(row) for row in await self._rows(query, prefix, prefix)]

    async def put(self, record: ManagedFile) -> None:
        """Note a file, in place of an earlier note."""
        await self._rows(
            f"INSERT OR REPLACE INTO managed ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            record.path,
            record.sha256,
            record.operation,
            record.job_id,
            record.recorded.isoformat(),
            int(record.settled),
            msgspec.json.encode(dict(record.metadata)).decode(),
        )

    async def forget(self, path: str) -> None:
        """Drop the note about a file. A second call does nothing."""
        await self._rows("DELETE FROM managed WHERE path = ?", path)

    async def _rows(self, query: str, *values: str | int) -> list[tuple[str, str, str, str, str, int, str]]:
        def work() -> list[tuple[str, str, str, str, str, int, str]]:
            with self._lock:
                return self._connection.execute(query, values).fetchall()

        return await in_thread(work)


def _record(row: tuple[str, str, str, str, str, int, str]) -> ManagedFile:
    path, digest, operation, job_id, recorded, settled, metadata = row
    return ManagedFile(
        path=path,
        sha256=digest,
        operation=operation,
        job_id=job_id,
        recorded=datetime.fromisoformat(recorded),
        settled=bool(settled),
        metadata=msgspec.json.decode(metadata, type=dict[str, str]),
    )
