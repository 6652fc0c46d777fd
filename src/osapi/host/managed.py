"""Which files OSAPI has written on this host, and what it knew then. Kept beside the agent, so it works offline.

A note is provenance, not truth: whether a file is as it should be is always decided by looking at it.
SQLite with `synchronous=FULL`, so that a note which was made is there after a crash. What the controllers have
not been told yet is part of the same row, so that it cannot be lost either.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from osapi.config import private
from osapi.contract.files import ContentType
from osapi.host.ending import in_thread

_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    path TEXT PRIMARY KEY,
    note BLOB NOT NULL,
    forgotten TEXT,
    restored TEXT,
    revision INTEGER NOT NULL,
    told INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
_NEXT = "(SELECT coalesce(max(revision), 0) + 1 FROM notes)"


@dataclass(frozen=True, kw_only=True)
class Source:
    """From which object a file was made. `sha256` is the object's; `facts` are the facts that its template looked at."""

    object_name: str
    sha256: str
    content_type: ContentType
    vars: Mapping[str, Any] = field(default_factory=dict[str, Any])
    facts: tuple[str, ...] = ()
    facts_sha256: str = ""
    """Digest of the values that these facts and the host name had."""


@dataclass(frozen=True, kw_only=True)
class ManagedFile:
    """The note about one file. `settled` False: an intention whose carrying out was not seen to end well.

    `sha256` is that of the content. `mode`, `owner` and `group` are as they were asked for; owner and group None
    mean the agent's own. `pending` is the digest of another content whose putting in place has begun; None when
    nothing has. `rendered` is what a template would become now; None when that is what it became.
    """

    path: str
    sha256: str
    operation: str
    job_id: str
    recorded: datetime
    settled: bool = True
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    source: Source | None = None
    pending: str | None = None
    rendered: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Untold:
    """A note that the controllers do not know yet. `forgotten` is when it was dropped; None when it was not."""

    note: ManagedFile
    forgotten: datetime | None
    revision: int


class ManagedFiles:
    """The notes about all files, by path. Safe to use from several tasks."""

    def __init__(self, database: Path | None) -> None:
        """`database` None keeps the notes in memory, for tests."""
        if database is not None:
            private.reserve(database)  # an empty file is a new database to SQLite, and one that only we may read
        self._connection = sqlite3.connect(database or ":memory:", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.execute(_SCHEMA)
        self.changed = asyncio.Event()
        """Set whenever there may be something to tell; whoever tells it clears it first."""

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    async def get(self, path: str) -> ManagedFile | None:
        """The note about a file; None when OSAPI did not write it."""
        rows = await self._rows("SELECT note FROM notes WHERE path = ? AND forgotten IS NULL", path)
        return _note(rows[0][0]) if rows else None

    async def below(self, prefix: str) -> list[ManagedFile]:
        """The notes about files whose path begins with `prefix`, by path."""
        query = "SELECT note FROM notes WHERE substr(path, 1, length(?)) = ? AND forgotten IS NULL ORDER BY path"
        return [_note(row[0]) for row in await self._rows(query, prefix, prefix)]

    async def put(self, note: ManagedFile) -> None:
        """Note a file, in place of an earlier note."""
        query = f"INSERT OR REPLACE INTO notes SELECT ?, ?, NULL, NULL, {_NEXT}, 0"
        await self._rows(query, note.path, msgspec.json.encode(note))
        self.changed.set()

    async def intend(self, path: str, sha256: str) -> None:
        """Note that the content of that digest is about to be put in place; the rest of the note stays."""
        note = await self.get(path)
        if note is not None:
            await self.put(replace(note, pending=sha256))

    async def exchange(self, before: ManagedFile, after: ManagedFile) -> bool:
        """Replace a note that is still as it was; False when somebody has changed it meanwhile."""
        query = f"UPDATE notes SET note = ?, revision = {_NEXT}, told = 0 WHERE path = ? AND note = ? AND forgotten IS NULL RETURNING path"  # noqa: S608
        rows = await self._rows(query, msgspec.json.encode(after), before.path, msgspec.json.encode(before))
        self.changed.set()
        return bool(rows)

    async def forget(self, path: str, when: datetime, restored: str | None = None) -> None:
        """Drop the note about a file. A second call does nothing.

        `restored` is the digest of the file from before that is back in the place; None when none is.
        """
        query = (
            f"UPDATE notes SET forgotten = ?, restored = ?, revision = {_NEXT}, told = 0 "  # noqa: S608 - constants
            "WHERE path = ? AND forgotten IS NULL"
        )
        await self._rows(query, when.isoformat(), restored, path)
        self.changed.set()

    async def restored(self, path: str) -> str | None:
        """The digest of the file that was put back when OSAPI's own went; None when none was."""
        rows = await self._rows("SELECT restored FROM notes WHERE path = ? AND forgotten IS NOT NULL", path)
        return rows[0][0] if rows else None

    async def untold(self, limit: int = 100) -> list[Untold]:
        """What is to be told next, oldest change first."""
        query = "SELECT note, forgotten, revision FROM notes WHERE told = 0 ORDER BY revision LIMIT ?"
        return [
            Untold(
                note=_note(note),
                forgotten=None if forgotten is None else datetime.fromisoformat(forgotten),
                revision=revision,
            )
            for note, forgotten, revision in await self._rows(query, limit)
        ]

    async def tell(self, untold: Untold) -> None:
        """Note that it was told, unless the note has changed since. One that was dropped goes for good.

        What remains is that a file from before was put back.
        """
        await self._rows("UPDATE notes SET told = 1 WHERE path = ? AND revision = ?", untold.note.path, untold.revision)
        await self._rows("DELETE FROM notes WHERE told = 1 AND forgotten IS NOT NULL AND restored IS NULL")

    async def _rows(self, query: str, *values: str | int | bytes | None) -> list[tuple[Any, ...]]:
        def work() -> list[tuple[Any, ...]]:
            with self._lock:
                return self._connection.execute(query, values).fetchall()

        return await in_thread(work)


def _note(content: bytes) -> ManagedFile:
    return msgspec.json.decode(content, type=ManagedFile)
