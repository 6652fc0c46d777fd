"""Cuts clients that are too slow, at the level of the connection, where uvicorn has no limits of its own.

A connection must send the head of a request within `head_s`, of a body at least `body_bytes` in every
`body_s`, and take what is written to it within `write_s`. While nothing is outstanding on its side it costs
no timer. What uvicorn itself refuses is told in the one shape of errors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from osapi.contract.errors import ErrorBody


@dataclass(frozen=True)
class Patience:
    """How slow a client may be. Times in seconds."""

    head_s: float = 8.0
    head_bytes: int = 65536
    """Most bytes of request line and headers together."""
    body_s: float = 8.0
    body_bytes: int = 4096
    """Least bytes of a body in every `body_s`, unless it ends before."""
    write_s: float = 30.0
    """How long the client may leave what was sent to it unread."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `patience` may be replaced in a subclass."""

    patience = Patience()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._in_body = False
        self._received = 0
        self._seen = 0
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # -- what asyncio calls --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._await_input()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self._forgive_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > self.patience.head_bytes:
            self._cut(431, "the head of the request is too long")
        elif self._in_head or self._in_body:
            self._await_input()
        else:
            self._expect_nothing()
            self._await_next_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.patience.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._forgive_writing()
        super().resume_writing()

    # -- what the parser calls -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._in_head, self._in_body = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._received = 0
        self._expect_nothing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = self._in_body = False
        self._received = 0
        super().on_message_complete()

    # -- what follows from it ------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        if self._answered:
            self.transport.write(refusal(400, msg))
        self.transport.close()

    @property
    def _answered(self) -> bool:
        """Whether no answer is under way or still to come."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request, whatever uvicorn says
        return cycle is None or cycle.response_complete

    def _await_input(self) -> None:
        if self._read_timer is None:
            seconds = self.patience.head_s if self._in_head else self.patience.body_s
            self._read_timer = self.loop.call_later(seconds, self._too_slow)
            self._seen = self._received

    def _expect_nothing(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _forgive_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _await_next_request(self) -> None:
        """Set the idle timer where uvicorn forgets it: when it answered before the whole request had come."""
        if self._answered and self.timeout_keep_alive_task is None:
            handler = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, handler)

    def _too_slow(self) -> None:
        self._read_timer = None
        if self._in_body and not self._answered and self._sends_enough():
            self._await_input()
        else:
            self._cut(408, "the request came too slowly")

    def _sends_enough(self) -> bool:
        return self.flow.read_paused or self._received - self._seen >= self.patience.body_bytes

    def _cut(self, status: int, text: str) -> None:
        """Close the connection; say why if the client can take it for the answer to what it sent."""
        if self.transport.is_closing():
            return
        unanswered_head = self._in_head and self._received and self._answered
        if unanswered_head or (self._in_body and not self.cycle.response_started):
            self.transport.write(refusal(status, text))
        self.transport.close()


def refusal(status: int, text: str) -> bytes:
    """A whole answer in the one shape of errors, after which the connection ends."""
    code = {400: "invalid", 408: "too_slow", 431: "too_large"}[status]
    body = msgspec.json.encode(ErrorBody(error=text, code=code))
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return STATUS_LINE[status] + head + body
