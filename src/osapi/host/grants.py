"""What an agent without root needs to be granted, as data. Domains declare it in `privileges.py`; see docs/adr/0024.

Patterns are what Python's `re` and POSIX extended regular expressions (regex(7)) both understand, and match as a whole.
`root` says how whoever holds the grant can become root by it; empty: by itself it does not help to that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HELPER = "osapi-privileged"
"""The program that changes files as root for an agent that is not."""
ROOT_DIR = "/var/lib/osapi-privileged"
"""What is kept for the agent and must be root's: copies of files that were replaced, and what undoes a change on trial."""
TRIAL_DIR = f"{ROOT_DIR}/trial"
FILE_VERBS = ("write", "remove", "keep", "restore", "drop")
"""What the helper does with a file: see `agent.privileged`."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that may be run as root; `user` `ALL`: as any account.

    `arguments` is a pattern of all arguments with blanks between them, empty for none. `example` fits it. `env` are
    variables that it is passed.
    """

    path: str
    arguments: str = ""
    example: str = ""
    env: tuple[str, ...] = ()
    user: str = "root"
    root: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def fits(self, argv: Iterable[str]) -> bool:
        """Whether the grant covers this call."""
        program, *arguments = argv
        return program in (self.name, self.path) and re.fullmatch(self.arguments, " ".join(arguments)) is not None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Files that may be changed as root, by a pattern of their paths. `example` fits it."""

    path: str
    example: str
    verbs: tuple[str, ...] = FILE_VERBS
    root: str = ""

    def fits(self, verb: str, path: str) -> bool:
        """Whether the grant covers this change."""
        return verb in self.verbs and re.fullmatch(self.path, path) is not None


@dataclass(frozen=True, kw_only=True)
class Anything:
    """Every program as every account."""

    root: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """Membership in a group of the host."""

    group: str
    why: str
    root: str = ""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """A capability of the agent's process, see capabilities(7). `number` is its bit."""

    name: str
    number: int
    why: str


Grant = Program | Place | Anything | Member | Capability

BASE: tuple[Grant, ...] = (
    Capability(name="CAP_DAC_READ_SEARCH", number=2, why="reads what only root may read, as /etc/shadow and homes"),
    Capability(name="CAP_KILL", number=5, why="ends programs that were started as another account; sends signals"),
)
"""What every agent without root needs, whatever it may change."""


def kernel_value(path: str, example: str, root: str = "") -> Place:
    """Values below /proc/sys or /sys that may be set."""
    return Place(path=path, example=example, verbs=("kernel",), root=root)
