"""The broker's own sign of life in the registry, told over a connection like any other program's.

What is reported are the figures of nats-server itself, whichever run of it is the present one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from osapi.broker import configuration, reaching
from osapi.broker.certificates import own_trust
from osapi.broker.life import Life
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import OsapiError
from osapi.fleet.models import ComponentKind, Disk
from osapi.fleet.program import Program
from osapi.telemetry.log import get_logger
from osapi.telemetry.metrics import OFF, Metrics
from osapi.telemetry.process import ProcessFigures, ProcessMeter
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker

_log = get_logger("osapi.broker")


class Reporting:
    """Reports one broker, which may store so many bytes. `pid` tells the process of the present server."""

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        host: str,
        most_bytes: int,
        pid: Callable[[], int],
        metrics: Metrics = OFF,
    ) -> None:
        port = configuration.port_of(settings)
        self._address = _address(settings, paths, f"{host}:{port}")
        self._server = _Server(pid)
        program = Program(
            ComponentKind.NATS,
            str(port),
            settings.nats.server.process_conditions,
            self._server.measure,
            lambda: {"server": "running"},
            lambda: datetime.now(UTC),
            lambda: _disk(paths.nats_store),
            most_bytes,
        )
        program.metrics = lambda: metrics.address
        self._life = Life(settings, program, metrics)
        self.trouble = self._life.trouble
        """Why the registry does not hear of this broker; None when it does."""
        self._broker: Broker | None = None
        self.door: Callable[[Broker], Awaitable[None]] | None = None
        """What else is done over this connection, for as long as the broker runs."""

    async def run(self) -> None:
        """Connect, however long that takes, and report for ever."""
        broker = self._broker = await reaching.connected(self._address, _missed)
        works = [self._life.run(broker), *([self.door(broker)] if self.door is not None else [])]
        await asyncio.gather(*works)

    async def stop(self) -> None:
        """Say that the broker ends in good order. A second call changes nothing."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await self._life.end(broker)
            await broker.close()


def _missed(problem: OsapiError) -> None:
    _log.debug("broker.not_reported", error=problem.message)


def _disk(store: Path) -> Disk | None:
    """The file system of the store, see statvfs(3); None when it cannot be asked."""
    try:
        found = os.statvfs(store)
    except OSError:
        return None
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return Disk(path=str(store), total=used + found.f_bavail * found.f_frsize, used=used)


class _Server:
    """Measures nats-server; a new run of it is another process."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid
        self._measured = pid()
        self._meter = ProcessMeter(self._measured)

    def measure(self) -> ProcessFigures:
        if self._pid() != self._measured:
            self._measured = self._pid()
            self._meter = ProcessMeter(self._measured)
        return self._meter.read()


def _address(settings: Settings, paths: Paths, server: str) -> Address:
    """How the broker's own connection is let in, whatever kind of authentication there is."""
    auth, namespace = settings.nats.server.auth, settings.nats.server.namespace
    match auth.type:
        case "none":
            credentials = Credentials()
        case "user_pass":
            credentials = Credentials(auth.users[0].username, auth.users[0].password)
        case _:
            credentials = Credentials(nkey_file=paths.seed("broker"))
    trust = own_trust(settings)
    scheme = "nats" if trust is None else "tls"
    return Address((f"{scheme}://{server}",), namespace, credentials, inbox=reaching.INBOX, tls=trust)
