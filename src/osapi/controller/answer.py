"""What goes back to the client: a status, a few headers, and bytes or a stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

from osapi.contract.endpoint import Download, ServerEvent

Headers = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json"
_ALWAYS: Headers = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. With `events` or `file` set, `body` is left out and the answer is a stream.

    `code` is that of the error, if it is one.
    """

    status: int
    body: bytes = b""
    headers: Headers = ()
    events: AsyncIterator[ServerEvent] | None = None
    file: Download | None = None
    code: str = ""


def start(status: int, headers: Headers, content_type: bytes, length: int | None) -> MutableMapping[str, Any]:
    """The ASGI message that opens an answer. `length` None means not known before."""
    lines = [(b"content-type", content_type), *_ALWAYS, *headers]
    if length is not None:
        lines.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": status, "headers": lines}


async def send_answer(answer: Answer, send: Send, *, head: bool = False) -> None:
    """Send an answer that is no stream. `head` leaves the body out but keeps its length."""
    if answer.status == 204:
        lines = [*_ALWAYS, *answer.headers]
        await send({"type": "http.response.start", "status": 204, "headers": lines})
        await send({"type": "http.response.body", "body": b""})
        return
    await send(start(answer.status, answer.headers, JSON, len(answer.body)))
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
