"""What is known of a program that was run. How it is run is `process`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from osapi.contract.errors import DeadlineExceeded, Invalid
from osapi.contract.kept import Kept

OUTPUT_LIMIT = 1 << 20
"""Bytes kept of each stream unless the caller says otherwise: 1 MiB."""
DEADLINE_S = 30.0
"""Seconds a program may take unless the caller says otherwise."""

OVERRUN_S = 2.0
"""How long after its deadline a run may still take to stop everything and tell what it has so far."""

Stream = Literal["stdout", "stderr"]
OnOutput = Callable[[Stream, bytes], Coroutine[Any, Any, None] | None]
"""Told of every piece of output as it comes. Called in the event loop; must be quick and must not raise.

Where it returns something to await, that stream is read on only afterwards: a program that is faster than whoever
takes its output has to wait, as with any pipe.
"""


def check_argv(argv: Sequence[str]) -> None:
    """Raise `Invalid` for what no program can be started with."""
    if not argv or not argv[0] or any("\0" in word for word in argv):
        raise Invalid(f"cannot run {list(argv)!r}: name a program; no argument may hold NUL")


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that ended. `exit_code` is None when a signal ended it, `signal` when none did."""

    argv: tuple[str, ...]
    stdout: bytes
    stderr: bytes
    exit_code: int | None
    signal: int | None
    duration_s: float
    truncated: bool = False
    """Whether the middle of a stream was left out; a marker stands in its place."""
    kept: tuple[Kept, ...] = ()
    """What is kept whole of its output."""


class TimedOut(DeadlineExceeded):
    """A program ran out of time. It and all it started are gone; `partial` holds its output so far."""

    def __init__(self, message: str, partial: Completed) -> None:
        super().__init__(message)
        self.partial = partial
