"""What a process of ours uses of the machine: processor, memory, threads. For heartbeats and metrics."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024
_SHORTEST_S = 1.0
"""Processor time is told in ticks of 10 ms: within a few milliseconds it would seem to be hundreds of percent."""


class ProcessFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of OSAPI uses."""

    cpu_percent: Annotated[float, Meta(description="Processor time in percent of one core, since the last report.")]
    rss_bytes: Annotated[int, Meta(description="Resident memory, in bytes.")]
    threads: Annotated[int, Meta(description="Number of threads.")]


class _Sample(NamedTuple):
    cpu_s: float
    rss_bytes: int
    threads: int


class ProcessMeter:
    """Reads the figures of one process again and again. `pid` None means this process itself.

    A process that has ended is told with zeros.
    """

    def __init__(self, pid: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stat = Path(f"/proc/{'self' if pid is None else pid}/stat")
        self._own = pid is None
        self._clock = clock
        self._when, self._used, self._percent = clock(), self._sample().cpu_s, 0.0

    def read(self) -> ProcessFigures:
        """The figures now; of the processor those of the second or more before, 0 until the first one is over."""
        when, sample = self._clock(), self._sample()
        span = when - self._when
        if span >= _SHORTEST_S:
            self._percent = round(max(0.0, 100 * (sample.cpu_s - self._used) / span), 2)
            self._when, self._used = when, sample.cpu_s
        return ProcessFigures(cpu_percent=self._percent, rss_bytes=sample.rss_bytes, threads=sample.threads)

    def _sample(self) -> _Sample:
        try:
            return parse_stat(self._stat.read_text())
        except OSError:
            return _by_resource() if self._own else _Sample(0.0, 0, 0)


def parse_stat(text: str) -> _Sample:
    """Processor time, resident memory and threads from /proc/PID/stat, see proc_pid_stat(5)."""
    fields = text[text.rindex(")") + 2 :].split()  # from the third field on; the second may hold anything
    utime, stime, threads, rss = (int(fields[number - 3]) for number in (14, 15, 20, 24))
    return _Sample((utime + stime) / _TICKS_PER_S, rss * _PAGE, threads)


def _by_resource() -> _Sample:
    """Where there is no /proc, by getrusage(2): the memory is the most there ever was."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return _Sample(used.ru_utime + used.ru_stime, used.ru_maxrss * _KIB, threading.active_count())
