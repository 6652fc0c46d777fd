"""Custom facts: what files in a folder of the host say. See `docs/howto/facts.md`.

`.json`, `.yaml`, `.yml` and `.txt` (lines of key=value) are read; any other file must be executable and prints one
of the first or last. They are taken in order of their names, and later ones win. Folder and files must belong to
root (or whoever the agent runs as) and be writable by nobody else. A file that is broken is left out as a whole.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from osapi.contract.errors import OsapiError, Permanent
from osapi.contract.facts import FactProblem
from osapi.host import fact_values
from osapi.host.door import Host
from osapi.host.files import FileKind, FileStat

FOLDER = "/etc/osapi/facts.d"
DEADLINE_S = 5.0
"""How long a program may take."""
MOST_FILES = 64
MOST_PROGRAMS = 16
FILE_LIMIT = 64 * 1024
"""Bytes of one file, or of what a program prints."""
LIMIT = 32 * 1024
"""Bytes of all custom facts of a host together, as JSON."""

_AT_ONCE = 4
_READABLE = (".json", ".yaml", ".yml", ".txt")
_OTHERS_WRITE = 0o022


@dataclass(frozen=True)
class Gathered:
    """What the folder says, and what is wrong with it."""

    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: tuple[FactProblem, ...] = ()


@dataclass(frozen=True)
class _Ran:
    """What a program printed, and of which version of it that is true."""

    modified: datetime
    facts: dict[str, Any]


class CustomFacts:
    """Reads the folder. Programs are run again only when asked to, or when they are new."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder
        self._ran: dict[str, _Ran] = {}

    async def gather(self, host: Host, *, run_all: bool) -> Gathered:
        """All custom facts as of now. `run_all` False keeps what programs said before."""
        try:
            paths = await self._paths(host)
        except OsapiError as problem:
            return Gathered(problems=(FactProblem(self._folder, problem.message),))
        kept = {} if run_all else self._ran
        self._ran = {path: kept[path] for path in paths if path in kept}
        turn = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(self._attempt(host, path, turn) for path in paths))
        return _merged(paths, found)

    async def _paths(self, host: Host) -> list[str]:
        """The files of the folder, in order. Raises when it cannot be trusted, or holds too many."""
        folder = await host.stat(self._folder)
        if folder is None:
            return []
        _check_owner(folder)
        paths = [f"{self._folder}/{name}" for name in await host.list_dir(self._folder) if not name.startswith(".")]
        programs = [path for path in paths if not path.endswith(_READABLE)]
        if len(paths) > MOST_FILES or len(programs) > MOST_PROGRAMS:
            raise Permanent(f"it holds more than {MOST_FILES} files or {MOST_PROGRAMS} programs; put facts together")
        return paths

    async def _attempt(self, host: Host, path: str, turn: asyncio.Semaphore) -> dict[str, Any] | OsapiError:
        try:
            async with turn:
                return await self._one(host, path)
        except OsapiError as problem:
            return problem

    async def _one(self, host: Host, path: str) -> dict[str, Any]:
        file = await host.stat(path)
        if file is None:
            return {}
        if file.kind is not FileKind.FILE:
            raise Permanent(f"it is a {file.kind.value}; put a file there")
        _check_owner(file)
        if path.endswith(_READABLE):
            content = await host.read(path, FILE_LIMIT) or b""
            return fact_values.parse(content, path.rpartition(".")[2])
        return await self._printed(host, path, file)

    async def _printed(self, host: Host, path: str, file: FileStat) -> dict[str, Any]:
        known = self._ran.get(path)
        if known is None or known.modified != file.modified:
            known = self._ran[path] = _Ran(file.modified, await _run(host, path, file))
        return known.facts


async def _run(host: Host, path: str, file: FileStat) -> dict[str, Any]:
    if not file.mode & 0o111:
        raise Permanent(f"make it executable, or name it {', '.join(_READABLE)} for what it holds")
    completed = await host.run((path,), deadline_s=DEADLINE_S, output_limit=FILE_LIMIT)
    if completed.exit_code != 0:
        words = (completed.stderr or completed.stdout)[-200:].decode("utf-8", "replace").strip()
        raise Permanent(f"it ended with status {completed.exit_code}" + (f": {words}" if words else ""))
    if completed.truncated:
        raise Permanent(f"it printed more than {FILE_LIMIT} bytes")
    return fact_values.parse(completed.stdout, "json" if completed.stdout.lstrip().startswith(b"{") else "txt")


def _check_owner(file: FileStat) -> None:
    if file.uid not in (0, os.geteuid()) or file.mode & _OTHERS_WRITE:
        raise Permanent("it must belong to root and be writable by nobody else", code="denied")


def _merged(paths: list[str], found: list[dict[str, Any] | OsapiError]) -> Gathered:
    facts: dict[str, Any] = {}
    problems: list[FactProblem] = []
    for path, one in zip(paths, found, strict=True):
        if isinstance(one, OsapiError):
            problems.append(FactProblem(path, one.message))
        elif len(msgspec.json.encode({**facts, **one})) > LIMIT:
            problems.append(FactProblem(path, f"with it, custom facts would be over {LIMIT} bytes together"))
        else:
            facts |= one
    return Gathered(facts, tuple(problems))
