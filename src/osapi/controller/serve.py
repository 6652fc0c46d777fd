"""Serves the application over HTTP/1.1: sockets, limits, and a stop that lets requests finish."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
from collections.abc import Generator
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from osapi.contract.errors import Unavailable
from osapi.controller.guard import GuardedProtocol
from osapi.controller.tls_door import TlsDoor

KEEP_ALIVE_S = 15
"""How long an idle connection is kept."""
DRAIN_S = 10
"""How long requests may go on after the order to stop."""
_LAST_WORDS_S = 1.0
_BACKLOG = 2048
_HSTS = ("strict-transport-security", "max-age=31536000")
"""Browsers ask for nothing but https of this name for a year (RFC 6797)."""


def bind(host: str, port: int, port_key: str = "controller.api.port") -> list[socket.socket]:
    """Listen on every address of `host`. Raises `Unavailable` with one clear line when that is not possible."""
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sockets.append(_listen(family, address))
    except OSError as problem:
        for opened in sockets:
            opened.close()
        raise Unavailable(
            f"cannot listen on {host}:{port}: {problem.strerror}; "
            f"set controller.api.host and {port_key} to an address that is free"
        ) from problem
    return sockets


class HttpServer:
    """The server of one program. The program owns the signals and calls `stop`."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        stopping: asyncio.Event,
        protocol: type[GuardedProtocol] = GuardedProtocol,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._sockets = sockets
        self._stopping = stopping
        self._server = _Server(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                loop="none",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
                headers=[] if tls is None else [_HSTS],
            ),
            None if tls is None else TlsDoor(tls),
        )

    async def run(self) -> None:
        """Serve until `stop` is called; return when every request is answered, after `DRAIN_S` at the latest."""
        _raise_file_limit()
        await self._server.serve(self._sockets)
        tasks = self._server.server_state.tasks
        if tasks:  # their time ran out; they tell their callers so
            await asyncio.wait(tasks, timeout=_LAST_WORDS_S)

    def stop(self) -> None:
        """Take no new connections, end the streams of events, let requests finish. A second call changes nothing."""
        self._stopping.set()
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """With a door, connections are taken by it; uvicorn then has no listeners of its own."""

    def __init__(self, config: uvicorn.Config, door: TlsDoor | None) -> None:
        super().__init__(config)
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._door is None:
            await super().startup(sockets)
            return
        await super().startup([])
        self._door.open(sockets or [], self._connection)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._door is not None:
            self._door.close()
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        make = cast("type[GuardedProtocol]", self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listen(family: int, address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)  # at once: two that are bound but do not listen would not notice one another
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _raise_file_limit() -> None:
    """Use as many file descriptors as the system allows; each connection is one (getrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
