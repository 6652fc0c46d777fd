"""A bare NATS connection for playing many agents in one process: no queues, no tasks, no reconnection.

Only the load that a fleet puts on the broker is to be measured, so the player must be cheap.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import Callable
from typing import Any

import nkeys

from bench.logins import Login
from osapi.tls.trust import Trust, context

OnMessage = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, reply, headers (empty when there are none) and data."""


class Wire(asyncio.Protocol):
    """One connection. Made by `connect`."""

    def __init__(self, login: Login, name: str, inbox: str) -> None:
        loop = asyncio.get_running_loop()
        self._login = login
        self._name = name
        self._buffer = b""
        self._sinks: dict[bytes, OnMessage] = {}
        self._sid = 0
        self._count = 0
        self._pongs: list[asyncio.Future[None]] = []
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._ready: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.inbox = inbox
        self.errors: list[str] = []

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self.write = transport.write

    def connection_lost(self, exc: Exception | None) -> None:
        lost = ConnectionError(f"the broker closed the connection: {'; '.join(self.errors) or exc}")
        for waiting in (self._ready, *self._pongs, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(lost)
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while (end := buffer.find(b"\r\n", at)) >= 0:
            line = buffer[at:end]
            if line.startswith((b"MSG", b"HMSG")):
                parts = line.split(b" ")
                total = int(parts[-1])
                if len(buffer) < end + 2 + total + 2:
                    break
                body = buffer[end + 2 : end + 2 + total]
                at = end + 2 + total + 2
                self._message(parts, body)
            else:
                at = end + 2
                self._control(line)
        self._buffer = buffer[at:]

    def _message(self, parts: list[bytes], body: bytes) -> None:
        if parts[0] == b"MSG":
            sink, reply, head, data = self._sinks.get(parts[2]), parts[3] if len(parts) == 5 else b"", b"", body
        else:
            size = int(parts[-2])
            sink, reply = self._sinks.get(parts[2]), parts[3] if len(parts) == 6 else b""
            head, data = body[:size], body[size:]
        if sink is not None:
            sink(parts[1], reply, head, data)

    def _control(self, line: bytes) -> None:
        if line == b"PING":
            self.write(b"PONG\r\n")
        elif line == b"PONG":
            if self._pongs:
                waiting = self._pongs.pop(0)
                if not waiting.done():
                    waiting.set_result(None)
        elif line.startswith(b"INFO") and not self._ready.done():
            self._introduce(json.loads(line[5:]))
            self._ready.set_result(None)
        elif line.startswith(b"-ERR"):
            self.errors.append(line.decode())

    def _introduce(self, info: dict[str, Any]) -> None:
        told: dict[str, Any] = {
            "verbose": False,
            "pedantic": False,
            "lang": "bench",
            "version": "1",
            "protocol": 1,
            "name": self._name,
            "headers": True,
            "no_responders": True,
        }
        if self._login.seed_file is not None:
            pair = nkeys.from_seed(self._login.seed_file.read_bytes().strip())
            signature = pair.sign(info["nonce"].encode())
            told |= {
                "nkey": pair.public_key.decode(),
                "sig": base64.urlsafe_b64encode(signature).decode().rstrip("="),
            }
        self.write(b"CONNECT " + json.dumps(told).encode() + b"\r\n")

    # -- what the players use ------------------------------------------------------------------

    def subscribe(self, subject: str, sink: OnMessage) -> bytes:
        self._sid += 1
        sid = b"%d" % self._sid
        self._sinks[sid] = sink
        self.write(f"SUB {subject} {self._sid}\r\n".encode())
        return sid

    def publish(self, subject: str, data: bytes, *, reply: str = "", headers: bytes = b"") -> None:
        if headers:
            size = len(headers)
            self.write(f"HPUB {subject} {reply} {size} {size + len(data)}\r\n".encode() + headers + data + b"\r\n")
        else:
            self.write(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")

    def listen_for_answers(self) -> None:
        """Subscribe to the inbox, once, so that `request` works."""

        def take(subject: bytes, _reply: bytes, _headers: bytes, data: bytes) -> None:
            waiting = self._answers.pop(subject.rpartition(b".")[2], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(data)

        self.subscribe(f"{self.inbox}.*", take)

    def request(self, subject: str, data: bytes, *, headers: bytes = b"") -> asyncio.Future[bytes]:
        """Send; the future becomes the data of the first answer."""
        self._count += 1
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[b"%d" % self._count] = waiting
        self.publish(subject, data, reply=f"{self.inbox}.{self._count}", headers=headers)
        return waiting

    async def ask(self, subject: str, question: dict[str, Any]) -> dict[str, Any]:
        """One question to the JetStream API. Raises `RuntimeError` with the broker's word when it refuses."""
        answer: dict[str, Any] = json.loads(await self.request(subject, json.dumps(question).encode()))
        if "error" in answer:
            raise RuntimeError(f"{subject}: {answer['error']}")
        return answer

    async def flush(self) -> None:
        """Wait until the broker has taken everything sent so far."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs.append(waiting)
        self.write(b"PING\r\n")
        await waiting

    async def opened(self) -> None:
        await self._ready
        await self.flush()

    async def close(self) -> None:
        self._transport.close()
        await self.closed


async def connect(login: Login, name: str = "bench") -> Wire:
    """Open a connection; answers arrive below `_INBOX.<name>`. Raises `ConnectionError` when the broker refuses."""
    loop = asyncio.get_running_loop()
    inbox = f"_INBOX.{name}.{secrets.token_urlsafe(8)}"
    if login.trust is None:
        _, wire = await loop.create_connection(lambda: Wire(login, name, inbox), login.host, login.port)
    else:
        wire = await _over_tls(Wire(login, name, inbox), login, login.trust)
    await wire.opened()
    return wire


async def _over_tls(wire: Wire, login: Login, trust: Trust) -> Wire:
    """Read the greeting, which comes in the clear, and only then shake hands, as the protocol wants it."""
    loop = asyncio.get_running_loop()
    plain = socket.socket()
    plain.setblocking(False)
    await loop.sock_connect(plain, (login.host, login.port))
    greeting = b""
    while not greeting.endswith(b"\r\n"):
        greeting += await loop.sock_recv(plain, 1)
    await loop.create_connection(lambda: wire, sock=plain, ssl=context(trust), server_hostname=login.host)
    wire.data_received(greeting)
    return wire


def header_lines(fields: dict[str, str]) -> bytes:
    """NATS headers as they go over the wire."""
    return b"NATS/1.0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in fields.items()) + b"\r\n"
