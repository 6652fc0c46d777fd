"""Routes that are not operations on hosts: jobs, agents, health, files, audit.

A slice writes them in its `http.py` beside what they serve, as an `Endpoint` (pure facts, from which the
OpenAPI document follows) and a handler from `Call` to `Reply`. The controller knows how to serve them;
the slice never sees the web framework.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from osapi.contract.trail import NO_TRAIL, Trail


class Caller(Protocol):
    """Who calls, as far as a slice needs to know."""

    @property
    def subject(self) -> str: ...

    @property
    def roles(self) -> tuple[str, ...]: ...

    def may(self, permission: str) -> bool:
        """Whether the token carries the permission."""
        ...

    def reaches(self, labels: Mapping[str, str]) -> bool:
        """Whether a host with these labels is within the limits of the token's roles."""
        ...

    def reach(self, permission: str) -> Callable[[Mapping[str, str]], bool]:
        """Whether a permission is held for a host with these labels. True of no labels: it is held for every host."""
        ...


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The facts of one hand-written route.

    `request` is one model for path, query and body together: names in braces come from the path; the rest
    from the query of GET and DELETE and from the body otherwise. `permission` None means open to everybody.
    `response` None means an empty body, `bytes` a file. `stream` marks server-sent events of that model, `lines` an
    answer with one object of that model a line, or one object for all of them. `form` is the model of the fields of a multipart form that also has a part `file`; `request` then comes from path and query.
    """

    operation_id: str
    method: str
    path: str
    permission: str | None
    summary: str
    tag: str
    request: type[msgspec.Struct]
    response: Any
    status: int = 200
    stream: bool = False
    lines: str | None = None
    body_required: bool = True
    form: type[msgspec.Struct] | None = None
    in_query: bool = False
    """Whether the rest comes from the query whatever the method."""


class Form(Protocol):
    """A multipart form on its way in. Its fields may stand before the file or after it."""

    @property
    def fields(self) -> Any:
        """The fields as the endpoint's model; None until all that it requires have come. Raises `Invalid`."""
        ...

    def file(self) -> AsyncGenerator[bytes]:
        """The part `file`, piece by piece, once. Ends when the whole form has come; `fields` are known then.

        Raises `Invalid` when it is no such form or ends too early, `TooLarge` beyond the limit.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to an endpoint, already authenticated, authorised and decoded. `form` where the endpoint has one."""

    caller: Caller
    request: Any
    headers: Mapping[str, str]
    form: Form | None = None
    trail: Trail = NO_TRAIL
    """What this request leaves behind in the audit; handed on with every job that it makes."""


class ServerEvent(msgspec.Struct, frozen=True):
    """One server-sent event; `id` lets a client resume after it (`Last-Event-ID`)."""

    id: str
    event: str
    data: Any


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file on its way out, of `length` bytes; None when that is not known before.

    What `content` raises cuts the connection, so that it is noticed.
    """

    content: AsyncGenerator[bytes]
    length: int | None
    media: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer of an endpoint. `body` is encoded as JSON unless it is a stream of events or a file."""

    body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    events: AsyncIterator[ServerEvent] | None = None
    file: Download | None = None


Handle = Callable[[Call], Awaitable[Reply]]
Routes = list[tuple[Endpoint, Handle]]
