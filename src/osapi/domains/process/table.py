"""From what /proc says to what is answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from osapi.domains.process.models import Process, ProcessFilter, ProcessList
from osapi.host.processes import TICKS_PER_SECOND, HostProcess

COMMAND_LIMIT = 4096
"""Characters of a command line that are told."""
JSON_LIMIT = 768 * 1024
"""Bytes of all processes together: a message of the broker holds 1 MiB."""

_COMM_MAX = 15
_STATES = {"R": "running", "S": "sleep", "D": "blocked", "I": "idle", "T": "stop", "t": "stop", "Z": "zombie"}
_UNITS = (".service", ".scope")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What figures of a process are measured against."""

    uptime_s: float
    booted: datetime | None
    memory: int | None
    """All memory of the host in bytes."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """Processor time at an earlier moment, by number and start of the process."""

    uptime_s: float
    cpu_ticks: Mapping[tuple[int, int], int]


def entry(found: HostProcess, machine: Machine, before: Before | None) -> Process:
    """What is told of one process."""
    share = None if found.resident is None or not machine.memory else 100 * found.resident / machine.memory
    started_s = found.start_ticks / TICKS_PER_SECOND
    return Process(
        pid=found.pid,
        name=full_name(found),
        user=found.user,
        state=_STATES.get(found.state, "dead"),
        cpu_percent=cpu_percent(found, machine.uptime_s, before),
        mem_percent=None if share is None else round(share, 2),
        mem_rss=found.resident,
        command=" ".join(found.command)[:COMMAND_LIMIT],
        start_time=None if machine.booted is None else machine.booted + timedelta(seconds=int(started_s)),
        parent=found.parent,
        threads=found.threads,
        unit=unit(found.cgroup),
    )


def cpu_percent(found: HostProcess, uptime_s: float, before: Before | None) -> float:
    """Processor time per time: since `before`, or since its start where that says nothing of it."""
    since_s, used = found.start_ticks / TICKS_PER_SECOND, found.cpu_ticks
    earlier = None if before is None else before.cpu_ticks.get((found.pid, found.start_ticks))
    if before is not None and earlier is not None and uptime_s > before.uptime_s:
        since_s, used = before.uptime_s, found.cpu_ticks - earlier
    span_s = uptime_s - since_s
    return round(max(0.0, 100 * used / TICKS_PER_SECOND / span_s), 1) if span_s > 0 else 0.0


def full_name(found: HostProcess) -> str:
    """The name; where the kernel has cut it, the whole one from the command line."""
    if len(found.name.encode()) >= _COMM_MAX and found.command:
        program = found.command[0].split(" ")[0].rpartition("/")[2]
        if program.startswith(found.name):
            return program
    return found.name


def unit(cgroup: str) -> str:
    """The innermost service or scope of systemd that a control group lies in; empty when there is none."""
    return next((part for part in reversed(cgroup.split("/")) if part.endswith(_UNITS)), "")


def listed(request: ProcessFilter, entries: list[Process]) -> ProcessList:
    """Those that fit, in order, as many as were asked for and a message can hold."""
    fitting = [one for one in entries if request.user in ("", one.user) and request.name in ("", one.name)]
    fitting.sort(key=lambda one: _place(request.sort, one))
    return ProcessList(processes=_bounded(fitting[: request.limit]), total=len(fitting))


def _place(sort: str, one: Process) -> tuple[float, int]:
    match sort:
        case "cpu":
            return -one.cpu_percent, one.pid
        case "memory":
            return -(one.mem_rss or 0), one.pid
        case "start":
            return -(one.start_time.timestamp() if one.start_time else 0.0), one.pid
        case _:
            return 0.0, one.pid


def _bounded(entries: list[Process]) -> list[Process]:
    left = JSON_LIMIT
    for count, one in enumerate(entries):
        left -= len(msgspec.json.encode(one)) + 1
        if left < 0:
            return entries[:count]
    return entries
