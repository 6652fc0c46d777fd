"""How `osapi start` learns that a program is ready: by its word, or by asking it what a user would ask."""

from __future__ import annotations

import asyncio
import http.client
import secrets
import socket
from collections.abc import Callable

from osapi.tls.trust import Trust, context

_POLL_S = 0.05
_ASK_S = 2.0


class Notifications:
    """A socket to which a program says READY=1 (sd_notify(3)). `address` is the value for NOTIFY_SOCKET.

    Its name is an abstract one (unix(7)), so nothing is left behind however this process ends.
    """

    def __init__(self) -> None:
        self.address = f"@osapi-{secrets.token_hex(16)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.bind(f"\0{self.address[1:]}")

    async def ready(self) -> None:
        """Return when the program has said so."""
        loop = asyncio.get_running_loop()
        while b"READY=1" not in (await loop.sock_recv(self._socket, 4096)).split(b"\n"):
            pass


async def healthy(host: str, port: int, cert: str = "") -> None:
    """Return when the controller there can take jobs. `cert` is the file with its certificate; empty: no TLS."""
    await _until(lambda: _status(host, port, "/api/health/ready", cert) == http.client.OK)


async def _until(holds: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(_asked, holds):  # noqa: ASYNC110 - another process changes it
        await asyncio.sleep(_POLL_S)


def _asked(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (OSError, http.client.HTTPException):
        return False  # not there yet


def _status(host: str, port: int, path: str, cert: str) -> int:
    connection = _connection(host, port, cert)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _connection(host: str, port: int, cert: str) -> http.client.HTTPConnection:
    if not cert:
        return http.client.HTTPConnection(host, port, timeout=_ASK_S)
    return http.client.HTTPSConnection(host, port, timeout=_ASK_S, context=context(Trust(certificate=cert)))
