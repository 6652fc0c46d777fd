"""A bare HTTP/1.1 client on one kept connection, cheap enough not to be what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from osapi.tls.trust import Trust, context

_END = b"\r\n\r\n"


class Api(NamedTuple):
    """Where a controller is. `ca_file` is the PEM file of its authority; empty: plain HTTP."""

    host: str
    port: int
    ca_file: str = ""

    @property
    def url(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://{self.host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One connection, made anew when the controller has ended it for idleness; one request at a time."""

    def __init__(self, api: Api, token: str) -> None:
        self._api = api
        self._headers = f"Host: {api.host}:{api.port}\r\nAuthorization: Bearer {token}\r\n"
        self._buffer = b""
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the controller closed the connection: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(_END)
        if not found:
            return
        length = _length(head)
        if len(rest) >= length and self._waiting is not None:
            self._buffer = b""
            self._waiting.set_result(Answer(int(head[9:12]), rest[:length]))

    async def open(self) -> None:
        host, port, ca_file = self._api
        tls = context(Trust(ca=ca_file)) if ca_file else None
        await asyncio.get_running_loop().create_connection(lambda: self, host, port, ssl=tls)

    async def get(self, path: str) -> Answer:
        return await self._ask(f"GET {path} HTTP/1.1\r\n{self._headers}\r\n".encode())

    async def ok(self, path: str) -> bytes:
        """The body of a GET that succeeds. Raises `RuntimeError` with the answer otherwise."""
        return _good("GET", path, await self.get(path))

    async def posted(self, path: str, body: str) -> bytes:
        """The body of the answer to a POST of this JSON that succeeds. Raises `RuntimeError` with the answer otherwise."""
        data = body.encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        answer = await self._ask(f"POST {path} HTTP/1.1\r\n{self._headers}{kind}\r\n".encode() + data)
        return _good("POST", path, answer)

    async def _ask(self, request: bytes) -> Answer:
        if self._transport.is_closing():
            await self.open()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(60):
            return await self._waiting

    def close(self) -> None:
        self._transport.close()


@asynccontextmanager
async def connections(count: int, api: Api, token: str) -> AsyncIterator[list[Connection]]:
    """`count` connections to a controller."""
    async with AsyncExitStack() as stack:
        opened = [Connection(api, token) for _ in range(count)]
        for connection in opened:
            await connection.open()
            stack.callback(connection.close)
        yield opened


def _good(method: str, path: str, answer: Answer) -> bytes:
    if answer.status // 100 != 2:
        raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
    return answer.body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")
