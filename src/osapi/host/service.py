"""What is asked of a service behind a socket of this host, and what it answers. How that travels is `http`."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from osapi.contract.errors import Invalid

ASK_S = 10.0
"""Seconds an answer may take unless the caller says otherwise."""
ANSWER_LIMIT = 1 << 20
"""Bytes kept of an answer unless the caller says otherwise: 1 MiB."""

READS = frozenset({"GET", "HEAD"})
"""Methods that change nothing, see RFC 9110, 9.2.1."""
_METHOD = re.compile(r"[A-Z]+")
_TARGET = re.compile(r"/[!-~]*")

Heard = Callable[[bytes], Coroutine[Any, Any, None] | None]
"""Told of every piece of an answer as it comes. Called in the event loop; must be quick and must not raise.

Where it returns something to await, the answer is read on only afterwards, so the service has to wait.
"""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One HTTP request to the service that listens at the Unix socket `socket`.

    `target` is path and query in percent encoding. `content` None sends no body. An answer of any status is a
    result. With `heard`, what comes with a status below 300 goes there, piece by piece, and is not kept.
    """

    socket: str
    method: str = "GET"
    target: str
    content: bytes | None = field(default=None, repr=False)
    deadline_s: float = ASK_S
    limit: int = ANSWER_LIMIT
    heard: Heard | None = field(default=None, compare=False)

    @property
    def reads(self) -> bool:
        """Whether it is one of those that change nothing."""
        return self.method in READS


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a service answered: status as in RFC 9110, and the body."""

    status: int
    content: bytes
    truncated: bool = False
    """Whether the middle of the body was left out; a marker stands in its place."""


def check(ask: Ask) -> None:
    """Raise `Invalid` for what cannot be said in one line of HTTP."""
    if not _METHOD.fullmatch(ask.method) or not _TARGET.fullmatch(ask.target):
        words = f"{ask.method} {ask.target}"[:80]
        raise Invalid(f"cannot ask {words!r}: use a method in capitals and a path in percent encoding")
