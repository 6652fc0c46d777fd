"""What a provider decides to do, as data. Deciding is pure; the host carries it out or, in check mode, does not."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from osapi.host.program import DEADLINE_S, OUTPUT_LIMIT, Completed
from osapi.host.service import Answered, Ask

Metadata = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Write:
    """Put a whole file in place."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str | None = None
    group: str | None = None
    make_parents: bool = False


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Remove a file if it is there."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """Put a symbolic link in place of whatever file or link is there."""

    path: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Send a signal to the process that has this number and this start."""

    pid: int
    start_ticks: int
    number: int


@dataclass(frozen=True, kw_only=True)
class SetKernelValue:
    """Set a value below /proc/sys or /sys, read it back and compare.

    With `required` False a refusal is no failure; whoever decided so looks at the value afterwards.
    """

    path: str
    value: str
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run a program. Unless its status is in `accept`, it is `CommandFailed`; None accepts every end."""

    argv: tuple[str, ...]
    stdin: bytes | None = field(default=None, repr=False)
    deadline_s: float = DEADLINE_S
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str = "/"
    user: str | None = None
    privileged: bool = False
    live: bool = False
    """Whether its output is passed on while it runs."""
    output_limit: int = OUTPUT_LIMIT
    accept: frozenset[int] | None = frozenset({0})


@dataclass(frozen=True, kw_only=True)
class Remember:
    """Note that a file is OSAPI's. `settled` False marks an intention that is not carried out yet."""

    path: str
    sha256: str
    metadata: Metadata = field(default_factory=dict[str, str])
    settled: bool = True


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Drop the note about a file."""

    path: str


Action = Write | Remove | Link | Signal | SetKernelValue | Run | Ask | Remember | Forget


@dataclass(frozen=True)
class Plan:
    """Actions in order and what they will change, for people. No actions: nothing has to change."""

    actions: tuple[Action, ...] = ()
    diff: str = ""

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.actions)


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of a plan. `runs` has one entry for each `Run`, `answers` one for each `Ask`; none in check mode."""

    changed: bool
    diff: str
    runs: tuple[Completed, ...] = ()
    answers: tuple[Answered, ...] = ()


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal, as provenance records hold it."""
    return hashlib.sha256(content).hexdigest()


def file_diff(path: str, before: bytes | None, after: bytes | None) -> str:
    """A unified diff of a file; None stands for no file. Bytes that are not UTF-8 are shown as �."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else path,
        "/dev/null" if after is None else path,
        lineterm="",
    )
    return "\n".join(lines)


def _lines(content: bytes | None) -> list[str]:
    return [] if content is None else content.decode("utf-8", "replace").splitlines()
