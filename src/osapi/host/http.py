"""HTTP over a Unix socket: one connection for each request, an answer of bounded size in bounded time.

The parser is httptools, which the controller's server brings along; a client library would cost each
agent up to 12 MB more (docs/adr/0011-docker-over-the-socket.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import httptools

from osapi.contract.errors import DeadlineExceeded, Unavailable
from osapi.host.failures import from_os
from osapi.host.files import FileTree
from osapi.host.output import Capture
from osapi.host.service import Answered, Ask, Heard, check

_PIECE = 1 << 16
_HEAD_LIMIT = 1 << 18
"""Bytes that may come before the body."""
_REFUSED = 300


async def ask(files: FileTree, ask: Ask) -> Answered:
    """Send the request and take in the answer; see `Host.ask` for what is raised."""
    check(ask)
    try:
        async with asyncio.timeout(ask.deadline_s), _connected(files, ask.socket) as (reader, writer):
            writer.write(_request(ask))
            return await _answer(ask, reader)
    except TimeoutError:
        raise DeadlineExceeded(f"{_words(ask)} took longer than {ask.deadline_s:g} s") from None
    except (OSError, httptools.HttpParserError) as err:
        raise Unavailable(f"{_words(ask)} broke off: {err}") from err


@contextlib.asynccontextmanager
async def _connected(files: FileTree, path: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(sock=_connect(files, path))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # whoever still speaks is told that nobody listens


def _connect(files: FileTree, path: str) -> socket.socket:
    """Connect by the descriptor of the socket: never led elsewhere, and its path may be of any length.

    Does not block: sockets lie in /run, which is memory, and connect(2) to one succeeds or fails at once.
    """
    doing = f"cannot connect to {path}"
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        with files.socket(path) as descriptor:
            found.connect(f"/proc/self/fd/{descriptor}")
    except BaseException as err:
        found.close()
        if isinstance(err, ConnectionRefusedError | BlockingIOError):
            raise Unavailable(f"{doing}: nobody listens there; is its service running?") from err
        if isinstance(err, OSError):
            raise from_os(err, doing) from err
        raise
    return found


def _request(ask: Ask) -> bytes:
    lines = [f"{ask.method} {ask.target} HTTP/1.1", "Host: localhost", "Connection: close", "Accept: */*"]
    if ask.content is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(ask.content)}"]
    elif not ask.reads:
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode() + (ask.content or b"")


async def _answer(ask: Ask, reader: asyncio.StreamReader) -> Answered:
    incoming = _Incoming(ask)
    while not incoming.complete:
        await incoming.take(await reader.read(_PIECE))
    return incoming.answered()


class _Incoming:
    """What the parser tells of the answer. Without a length it ends with the connection (RFC 9112, 6.3)."""

    def __init__(self, ask: Ask) -> None:
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        self._ask = ask
        self._status = 0
        self._has_length = False
        self._capture = Capture(ask.limit)
        self._sink: Heard = self._capture.add
        self._head_size = 0
        self._body = bytearray()

    def on_header(self, name: bytes, _: bytes) -> None:
        self._has_length = self._has_length or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._ask.heard is not None and self._status < _REFUSED:
            self._sink = self._ask.heard

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.complete = True

    async def take(self, piece: bytes) -> None:
        """Take in what came; nothing when the other side has closed. Raises `Unavailable` for what is no answer."""
        if not piece:
            self._end()
            return
        try:
            self._parser.feed_data(piece)
        finally:
            body, self._body = bytes(self._body), bytearray()
            if body and (room := self._sink(body)) is not None:
                await room
        if not self._status:
            self._head_size += len(piece)
            if self._head_size > _HEAD_LIMIT:
                raise Unavailable(f"{_words(self._ask)}: the answer does not begin within {_HEAD_LIMIT} bytes")

    def _end(self) -> None:
        if not self._status or self._has_length:
            raise Unavailable(f"{_words(self._ask)} broke off in the middle of the answer")
        self.complete = True

    def answered(self) -> Answered:
        capture = self._capture
        return Answered(status=self._status, content=capture.content(), truncated=bool(capture.left_out))


def _words(ask: Ask) -> str:
    return f"{ask.method} {ask.target.partition('?')[0]} at {ask.socket}"
