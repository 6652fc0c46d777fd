"""What a process uses, from /proc (proc(5)): processor time, resident memory, and its proportional share."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_s(*pids: int) -> float:
    """User and system time of these processes so far, in seconds, to a hundredth."""
    return sum(_ticks(pid) for pid in pids) * _TICK_S


def precise_cpu_s(pid: int) -> float:
    """Time of all its threads on a processor so far, in seconds, to the nanosecond; ended threads are missing."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss_bytes(pid: int) -> int:
    """Resident memory, shared pages in full."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") * 1024


def pss_bytes(pid: int) -> int:
    """Resident memory, each shared page divided by the number of processes that share it."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") * 1024


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def machine_cpu_s() -> float:
    """Time that all cores have been busy with anything since the start of the machine, in seconds."""
    user, nice, system, _idle, _wait, irq, softirq, steal = (
        int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) * _TICK_S


def own_cpu_s() -> float:
    """User and system time of this process and of all its children and theirs that have ended, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _kilobytes(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")
