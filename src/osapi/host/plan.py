"""What a provider decides to do, as data. Deciding is pure; the host carries it out or, in check mode, does not."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from osapi.contract.errors import CommandFailed
from osapi.host.managed import Source
from osapi.host.objects import StoredObject
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
class Fetch:
    """Put an uploaded object in place as a whole file, however large it is."""

    path: str
    object: StoredObject
    mode: int = 0o644
    owner: str | None = None
    group: str | None = None
    make_parents: bool = False


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Keep a copy of a file that OSAPI did not write, to be put back one day."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Restore:
    """Put the copy back that was kept."""

    path: str


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
    keep: bool = False
    """Whether its output is kept whole."""
    output_limit: int = OUTPUT_LIMIT
    accept: frozenset[int] | None = frozenset({0})
    failure: str = CommandFailed.code
    """The code of its failure."""


@dataclass(frozen=True, kw_only=True)
class Try:
    """Do what may cut this host off, and undo it unless the controller can be reached afterwards.

    To undo is to put back every file that `actions` write or remove, and then to run `repair`, program by
    program. See `trial`, which also undoes it when the agent does not live to see the end.
    """

    actions: tuple[Action, ...]
    repair: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Remember:
    """Note that a file is OSAPI's; fields as in `managed.ManagedFile`.

    `settled` False marks an intention that is not carried out yet. `quiet` marks a note that is only brought up to
    date: the host is no other than before.
    """

    path: str
    sha256: str
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    source: Source | None = None
    metadata: Metadata = field(default_factory=dict[str, str])
    settled: bool = True
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Intend:
    """Note that another content of a file of OSAPI's is about to be put in place."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Drop the note about a file, and the copy of what was there before it.

    `restored` is the digest of that, when it is back in its place.
    """

    path: str
    restored: str | None = None


FileAction = Write | Fetch | Keep | Restore | Remove | Link
NoteAction = Remember | Intend | Forget
Action = FileAction | Signal | SetKernelValue | Run | Ask | Try | NoteAction


@dataclass(frozen=True)
class Plan:
    """Actions in order and what they will change, for people. No actions: nothing has to be done."""

    actions: tuple[Action, ...] = ()
    diff: str = ""

    @classmethod
    def of(cls, *plans: Plan) -> Plan:
        """Several plans as one, in this order."""
        actions = tuple(action for plan in plans for action in plan.actions)
        return cls(actions, "\n".join(plan.diff for plan in plans if plan.diff))

    @property
    def changes(self) -> bool:
        """Whether the host will be another than before."""
        return not all(isinstance(action, Remember) and action.quiet for action in self.actions)


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
