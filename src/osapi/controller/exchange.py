"""One request on its way through the controller: what was sent, and who sent it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope

from osapi.auth.identity import ANONYMOUS, Identity
from osapi.contract.errors import Invalid, TooLarge
from osapi.contract.trail import NO_TRAIL, Trail

JOB_ID = "osapi.job_id"
"""Key in the ASGI scope: the job that this request has submitted, for failures that come after it."""
REQUEST_ID = "osapi.request_id"
"""Key in the ASGI scope: the id that the border has given the request."""


class Disconnected(Exception):
    """The client went away before it had sent its whole request. Nobody is left to be answered."""


class Exchange:
    """One request. `values` are the parts of the path that stand for the names in braces, decoded."""

    __slots__ = ("caller", "headers", "receive", "scope", "trail", "values")

    def __init__(self, scope: Scope, receive: Receive, values: tuple[str, ...]) -> None:
        self.scope = scope
        self.receive = receive
        self.values = values
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.caller: Identity = ANONYMOUS
        self.trail: Trail = NO_TRAIL

    @property
    def query(self) -> bytes:
        query: bytes = self.scope["query_string"]
        return query

    def header(self, name: bytes) -> str | None:
        """A header's value; None when it was not sent. `name` is in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def text_headers(self) -> dict[str, str]:
        """All headers, names in lower case."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` before anything beyond the limit is kept in memory."""
        return b"".join([chunk async for chunk in self.chunks(limit, "controller.api.body_limit_bytes")])

    async def chunks(self, limit: int | None, setting: str) -> AsyncGenerator[bytes]:
        """The body as it comes. `setting` is the one that limits it; None is no limit. Raises `TooLarge`."""
        declared = self.headers.get(b"content-length", b"")
        if limit is not None and declared.isdigit() and int(declared) > limit:
            raise too_large(limit, setting)
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if limit is not None and size > limit:
                raise too_large(limit, setting)
            more = message.get("more_body", False)
            yield chunk


async def gone(receive: Receive) -> None:
    """Return when the client has gone away; for whoever has read its whole request."""
    while (await receive())["type"] != "http.disconnect":
        pass


def too_large(limit: int, setting: str) -> TooLarge:
    """The failure of a body beyond the limit of a setting."""
    return TooLarge(f"the request body is over the limit of {limit} bytes ({setting})")


def path_value(raw: str) -> str:
    """Decode one part of a path. Raises `Invalid` for bytes that are no UTF-8 and for control characters."""
    try:
        text = unquote_to_bytes(raw).decode() if "%" in raw else raw
    except UnicodeDecodeError as problem:
        raise Invalid(f"path: {raw!r} is not UTF-8 in percent encoding") from problem
    if not text.isprintable():
        raise Invalid(f"path: {text!r} holds a control character; remove it")
    return text
