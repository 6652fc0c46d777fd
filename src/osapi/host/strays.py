"""Finds and kills every process of one run, those included that have left its process group.

Reads /proc/<pid>/stat and /proc/<pid>/environ, see proc_pid_stat(5). Blocks; called in a thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NOBODY = -1
_PAUSE_S = 0.01
_DEAD = b"ZX"


@dataclass(frozen=True)
class Process:
    """One living process. Its start time, in ticks since boot, tells it apart from a later one of the same id."""

    pid: int
    start: int


@dataclass(frozen=True)
class _Entry:
    process: Process
    parent: int
    group: int
    session: int
    is_dead: bool


@dataclass(frozen=True)
class Run:
    """How to recognise the processes of one run.

    `leader` is the first process, which has a session and group of its own and must not have been reaped;
    `mark` is `NAME=value` in the environment that all of them inherit.
    """

    leader: int
    mark: bytes


def find(run: Run, known: frozenset[Process] = frozenset()) -> frozenset[Process]:
    """Living processes of the run: of its group or session, marked, or descended from its leader or a known one."""
    table = {entry.process.pid: entry for entry in _entries()}
    roots = {run.leader} | {process.pid for process in known if _is_in(process, table)}
    return frozenset(
        entry.process
        for entry in table.values()
        if not entry.is_dead and entry.process.pid not in (1, os.getpid()) and _belongs(entry, run, roots, table)
    )


def kill_all(run: Run, known: frozenset[Process], until: float) -> bool:
    """Kill all of them, until none is left or the monotonic clock says `until`. Returns whether none is left.

    Each is stopped first, and only when a look round finds nobody new are they killed: otherwise children
    of the dead would lose the parent by whom they are recognised, and the quick would go on starting others.
    """
    frozen: frozenset[Process] = known
    while True:
        for process in frozen:
            _signal(process, signal.SIGSTOP)
        found = find(run, frozen)
        if found <= frozen or time.monotonic() >= until:
            break
        frozen |= found
    frozen |= found
    while found:
        for process in frozen:
            _signal(process, signal.SIGKILL)
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE_S)
        found = find(run, frozen)
        frozen |= found
    return True


def kill_marked(mark: bytes, until: float) -> bool:
    """Kill every process with this mark and what descends from it, whoever has started it; see `kill_all`."""
    return kill_all(Run(_NOBODY, mark), frozenset(), until)


def _belongs(entry: _Entry, run: Run, roots: set[int], table: dict[int, _Entry]) -> bool:
    if run.leader in (entry.group, entry.session):
        return True
    return _descends(entry, roots, table) or _is_marked(entry.process.pid, run.mark)


def _descends(entry: _Entry, roots: set[int], table: dict[int, _Entry]) -> bool:
    seen: set[int] = set()
    pid = entry.process.pid
    while pid in table and pid not in seen:
        if pid in roots:
            return True
        seen.add(pid)
        pid = table[pid].parent
    return False


def _is_in(process: Process, table: dict[int, _Entry]) -> bool:
    return process.pid in table and table[process.pid].process == process


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _signal(process: Process, number: signal.Signals) -> None:
    """Signal by descriptor, after a second look through it, so that a reused process id is never hit."""
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if _entry(process.pid).process == process:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _entries() -> Iterator[_Entry]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                yield _entry(int(entry.name))


def _entry(pid: int) -> _Entry:
    content = Path(f"/proc/{pid}/stat").read_bytes()
    fields = content[content.rindex(b")") + 2 :].split()  # the name before may itself hold blanks and brackets
    return _Entry(
        process=Process(pid, int(fields[19])),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        is_dead=fields[0] in _DEAD,
    )
