"""Processes of a host from /proc, and signals to them. See proc(5), pidfd_open(2).

Nothing here is atomic: a process can end while it is read, and its number can be given to another. What
identifies one is its number together with the moment of its start.
"""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from osapi.contract.errors import NotFound, OsapiError
from osapi.host.failures import from_os

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READ_S = 10.0
"""Time in which /proc must have been read: reading a command line can hang, because it waits for its process."""

_PF_KTHREAD = 0x00200000
_PIECE_LIMIT = 1 << 20

NameOf = Callable[[int], str]
"""Name of the account with that user id."""


class Files(Protocol):
    """Where /proc is read; `files.FileTree` is one."""

    def read(self, path: str, limit: int) -> bytes | None: ...

    def list_dir(self, path: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class HostProcess:
    """One process as /proc showed it. What could not be read is empty or None."""

    pid: int
    parent: int
    """0 for the first process, and for one whose parent is outside this pid namespace."""
    name: str
    """At most 15 bytes, as the process has set it."""
    state: str
    """One letter, see proc_pid_stat(5)."""
    start_ticks: int
    """Start in clock ticks since boot."""
    cpu_ticks: int
    """Processor time used so far, user and system, in clock ticks."""
    threads: int
    is_kernel: bool
    """Whether it is a thread of the kernel."""
    user: str = ""
    resident: int | None = None
    """Resident memory in bytes; None for threads of the kernel and the dead."""
    command: tuple[str, ...] = ()
    cgroup: str = ""
    """Path in the unified hierarchy of control groups, see cgroups(7)."""

    @property
    def is_dead(self) -> bool:
        """Whether it has ended and only waits for its parent to notice."""
        return self.state in ("Z", "X", "x")


def read_all(files: Files, name_of: NameOf) -> list[HostProcess]:
    """Every process, by number. One that ends meanwhile is left out."""
    numbers = sorted(int(name) for name in files.list_dir("/proc") if name.isdecimal())
    return [found for pid in numbers if (found := read_one(files, pid, name_of)) is not None]


def read_one(files: Files, pid: int, name_of: NameOf) -> HostProcess | None:
    """One process; None when there is none of that number. A thread that leads no process counts as none."""
    stat = _read(files, f"/proc/{pid}/stat")
    status = _read(files, f"/proc/{pid}/status")
    fields = parse_stat(stat)
    if fields is None or _number(status, "Tgid") not in (None, pid):
        return None
    uid, resident = _number(status, "Uid"), _number(status, "VmRSS")
    return HostProcess(
        pid=pid,
        parent=int(fields[4]),
        name=fields[2],
        state=fields[3],
        start_ticks=int(fields[22]),
        cpu_ticks=int(fields[14]) + int(fields[15]),
        threads=int(fields[20]),
        is_kernel=bool(int(fields[9]) & _PF_KTHREAD),
        user="" if uid is None else name_of(uid),
        resident=None if resident is None else resident * 1024,
        command=_arguments(_read(files, f"/proc/{pid}/cmdline")),
        cgroup=_cgroup(_read(files, f"/proc/{pid}/cgroup")),
    )


def parse_stat(text: str) -> list[str] | None:
    """Fields of /proc/PID/stat by their numbers in proc_pid_stat(5), from 1; None when it is no such text.

    The name stands in parentheses and may hold blanks and parentheses itself, so the last one counts.
    """
    front, closing, back = text.rpartition(")")
    number, opening, name = front.partition("(")
    fields = ["", number.strip(), name, *back.split()]
    return fields if opening and closing and len(fields) > 22 else None


def send(files: Files, pid: int, start_ticks: int, number: int) -> None:
    """Send a signal to exactly the process that started then. Raises `NotFound`, or `Permanent` (`denied`).

    The descriptor is opened first and the start compared afterwards, so a number that was given to another
    process meanwhile is noticed whenever that happened.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as err:
        if err.errno not in (errno.ENOSYS, errno.EPERM):  # before Linux 5.3, or filtered by a container
            raise _refusal(err, pid) from err
        _check_start(files, pid, start_ticks)
        _attempt(lambda: os.kill(pid, number), pid)
        return
    try:
        _check_start(files, pid, start_ticks)
        _attempt(lambda: signal.pidfd_send_signal(descriptor, number), pid)
    finally:
        os.close(descriptor)


def _check_start(files: Files, pid: int, start_ticks: int) -> None:
    fields = parse_stat(_read(files, f"/proc/{pid}/stat"))
    if fields is None or int(fields[22]) != start_ticks:
        raise NotFound(f"process {pid} has ended meanwhile")


def _attempt(act: Callable[[], None], pid: int) -> None:
    try:
        act()
    except OSError as err:
        raise _refusal(err, pid) from err


def _refusal(err: OSError, pid: int) -> OsapiError:
    if err.errno == errno.ESRCH:
        return NotFound(f"process {pid} has ended meanwhile")
    return from_os(err, f"cannot send a signal to process {pid}")


def _read(files: Files, path: str) -> str:
    """The text; empty when the process is gone or keeps it to itself."""
    try:
        content = files.read(path, _PIECE_LIMIT)
    except OsapiError:
        return ""
    return (content or b"").decode("utf-8", "replace")


def _number(status: str, key: str) -> int | None:
    found = re.search(rf"^{key}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else None


def _arguments(text: str) -> tuple[str, ...]:
    return tuple(text.removesuffix("\0").split("\0")) if text.strip("\0") else ()


def _cgroup(text: str) -> str:
    found = re.search(r"^0::(.*)$", text, re.MULTILINE)
    return found[1] if found else ""
