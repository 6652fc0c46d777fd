"""Processes that stand still, as on a host that hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WITHIN_S = 10.0


@contextmanager
def halted(*pids: int) -> Iterator[None]:
    """While this lasts none of the processes does anything; afterwards they go on."""
    for pid in pids:
        halt(pid)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def halt(pid: int) -> None:
    """Stop the process and return when each of its threads has stopped: kill(2) returns before they have."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _WITHIN_S
    while not all(_is_stopped(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.001)


def _is_stopped(task: Path) -> bool:
    """Whether proc_pid_stat(5) tells "stopped on a signal"; the name before the state may hold anything."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
