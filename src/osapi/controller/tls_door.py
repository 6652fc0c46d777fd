"""Takes connections to a TLS port, and says so to whoever speaks plain HTTP there.

The first byte is looked at without being taken from the socket: a handshake begins with 22 (RFC 8446, 5.1). What
begins otherwise gets an answer in plain HTTP, for otherwise its user would see a connection that breaks
without a reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from osapi.controller.guard import refusal
from osapi.telemetry.log import get_logger

HANDSHAKE_S = 8.0
"""How long a client may take to begin, and again to complete, its handshake."""
_GOODBYE_S = 1.0
"""How long a client may take to say that it has heard of the end (RFC 8446, 6.1); one that does not read never does."""
_HANDSHAKE = 22
_AT_ONCE = 64
_PLAIN = refusal(400, "this port speaks TLS only; use https:// in place of http://")

_log = get_logger(__name__)


class TlsDoor:
    """Accepts from `open` to `close`. `context` is asked for every connection anew."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._sockets: list[socket.socket] = []
        self._waiting: dict[socket.socket, asyncio.TimerHandle] = {}
        self._shaking: set[asyncio.Task[None]] = set()

    def open(self, sockets: list[socket.socket], protocol: Callable[[], asyncio.Protocol]) -> None:
        """Take connections from these listening sockets; each gets a protocol of its own after its handshake."""
        self._sockets, self._protocol = sockets, protocol
        self._loop = asyncio.get_running_loop()
        for listener in sockets:
            self._loop.add_reader(listener, self._accept, listener)

    def close(self) -> None:
        """Take none any more, and drop those that have not ended their handshake. A second call changes nothing."""
        sockets, self._sockets = self._sockets, []
        for listener in sockets:
            self._loop.remove_reader(listener)
        for waiting in list(self._waiting):
            self._forget(waiting).close()
        for task in self._shaking:
            task.cancel()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                arrived, _ = listener.accept()
            except OSError:  # nobody any more, or no descriptor is left
                return
            arrived.setblocking(False)
            with contextlib.suppress(OSError):
                arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._waiting[arrived] = self._loop.call_later(HANDSHAKE_S, self._give_up, arrived)
            self._loop.add_reader(arrived, self._look, arrived)

    def _look(self, arrived: socket.socket) -> None:
        try:
            first = arrived.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            first = b""
        self._forget(arrived)
        if first and first[0] == _HANDSHAKE:
            task = self._loop.create_task(self._shake(arrived))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)
        else:
            _turn_away(arrived, bool(first))

    async def _shake(self, arrived: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol,
                arrived,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=_GOODBYE_S,
            )
        except (OSError, asyncio.CancelledError) as problem:  # ssl.SSLError is an OSError
            arrived.close()
            _log.debug("tls.handshake_failed", error=str(problem))

    def _give_up(self, arrived: socket.socket) -> None:
        self._forget(arrived).close()

    def _forget(self, arrived: socket.socket) -> socket.socket:
        self._waiting.pop(arrived).cancel()
        self._loop.remove_reader(arrived)
        return arrived


def _turn_away(arrived: socket.socket, speaks: bool) -> None:
    """Answer in plain HTTP, after reading what has come: a socket closed with unread bytes would reset the answer away."""
    with contextlib.suppress(OSError):
        if speaks:
            arrived.recv(65536)
            arrived.send(_PLAIN)
            arrived.shutdown(socket.SHUT_WR)
    arrived.close()
