"""What an operation is: one value from which route, command, permission and dispatch follow.

A domain declares its operations in `operations.py` as plain values, and in `provider.py` which method
of its port answers which operation. Nothing here runs anything.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec

VERBATIM = "verbatim"
"""Marks a field, by `Meta(extra={VERBATIM: "why"})`, whose text reaches the host as it is by intention: the caller's own
program, its arguments, the content of a file. Every other text is plain data, and tests hold it to that."""

Req = TypeVar("Req", bound=msgspec.Struct)
Res = TypeVar("Res")
P = TypeVar("P")


class Kind(enum.Enum):
    """Whether an operation changes the host. The kind chooses the subject and the care taken."""

    QUERY = "query"
    MODIFY = "modify"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request of an operation that needs none."""


class Lasting(msgspec.Struct, kw_only=True):
    """Base of requests that say themselves how long the work may take on a host, in place of the operation."""

    SECONDS: ClassVar[tuple[str, ...]] = ()
    """The fields that, added up, say how long."""
    WHEN: ClassVar[str] = ""
    """The switch that has to be set for it; empty: always."""

    def lasts(self) -> timedelta | None:
        """How long the work may take; None leaves it to the operation."""
        if self.WHEN and not getattr(self, self.WHEN):
            return None
        return timedelta(seconds=sum(getattr(self, name) for name in self.SECONDS))


class Timed(Lasting, kw_only=True):
    """Base of requests that carry their own deadline; `timeout` replaces the operation's."""

    SECONDS: ClassVar[tuple[str, ...]] = ("timeout",)

    timeout: Annotated[int, msgspec.Meta(description="Seconds the work may take on a host.", ge=1)] = 30


class Followed(Lasting, kw_only=True):
    """Base of requests whose answer can go on: with `follow`, for as long as somebody listens and `duration` allows."""

    SECONDS: ClassVar[tuple[str, ...]] = ("duration",)
    WHEN: ClassVar[str] = "follow"

    follow: Annotated[
        bool,
        msgspec.Meta(
            description="Go on with what comes, as a stream of events, until the listener leaves or `duration` is over."
        ),
    ] = False
    duration: Annotated[
        int, msgspec.Meta(description="Seconds after which following ends by itself.", ge=1, le=86400)
    ] = 3600


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of the results of operations that change a host."""

    changed: Annotated[
        bool, msgspec.Meta(description="Whether the host now differs from before; in check mode, whether it would.")
    ]
    diff: Annotated[
        str, msgspec.Meta(description="What differs, as unified diff or plain sentence; empty when nothing does.")
    ] = ""


class Format(enum.Enum):
    """How a table cell shows a value."""

    TEXT = "text"
    BYTES = "bytes"
    PERCENT = "percent"
    DECIMAL = "decimal"
    MOMENT = "moment"
    """To the second, in the zone of whoever looks."""


@dataclass(frozen=True)
class Column:
    """One column of the table that the CLI draws for an operation's results."""

    title: str
    path: str
    """Dotted path into the result, for example `memory.total`; `[]` walks a list, one row per entry."""
    format: Format = Format.TEXT


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[Req, Res]):
    """One thing that can be asked of a host. `Req` is what the caller sends, `Res` what a host answers.

    A result type `list[X]` means a host answers with any number of entries.
    """

    name: str
    """On the wire, in the audit log and in metrics, for example `node.sysctl.create`."""
    operation_id: str
    """The operationId of the REST contract."""
    kind: Kind
    request: type[Req]
    result: type[Res]
    permission: str
    route: tuple[str, str]
    """Method and path below `/api/node/{hostname}`; names in braces are fields of the request."""
    command: tuple[str, ...]
    """Words of the CLI command below `osapi client`."""
    summary: str
    columns: tuple[Column, ...] = ()
    status: int = 200
    """HTTP status of success."""
    deadline: timedelta = timedelta(seconds=30)
    """How long the work may take on the host, unless the request says so itself (`Lasting`)."""
    lock: str | None = None
    """Operations with the same lock never run at once on one host."""
    idempotent: bool = False
    """Whether an interrupted run may simply be run again."""


class Later(Exception):
    """Raised by a provider whose work is under way and comes to its end by itself, as a reboot does.

    The method that the handler names as `later` is then asked again and again, also by the agent that runs after a
    restart, until it returns the result, raises a failure, or the time is over at `until`. `note` is what it needs to
    know; it is JSON and on disk before anybody asks.
    """

    def __init__(self, note: dict[str, Any], until: datetime) -> None:
        super().__init__("the end comes later")
        self.note = note
        self.until = until


@dataclass(frozen=True)
class Handler(Generic[P]):
    """Binds an operation to the method of the provider port that answers it.

    `later` sees to the end of what `method` has begun, see `Later`; None where nothing ends later.
    """

    operation: Operation[Any, Any]
    method: Callable[[P, Any], Awaitable[Any]]
    later: Callable[[P, Any, dict[str, Any]], Awaitable[Any]] | None = None


def handle(
    operation: Operation[Req, Res],
    method: Callable[[P, Req], Awaitable[Res]],
    *,
    later: Callable[[P, Req, dict[str, Any]], Awaitable[Res]] | None = None,
) -> Handler[P]:
    """Bind `operation` to `method`; the type checker refuses a method whose types do not fit."""
    return Handler(operation, method, later)


def deadline_of(operation: Operation[Any, Any], request: msgspec.Struct) -> timedelta:
    """How long this request may run on a host."""
    own = request.lasts() if isinstance(request, Lasting) else None
    return operation.deadline if own is None else own


def is_followed(request: msgspec.Struct) -> bool:
    """Whether the work lasts only as long as somebody listens."""
    return isinstance(request, Followed) and request.follow
