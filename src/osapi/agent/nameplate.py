"""The host name that people see, kept up to date: a job may rename the host."""

from __future__ import annotations

from collections.abc import Callable

from osapi.contract.errors import OsapiError
from osapi.host.door import Host
from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


class Nameplate:
    """The name last read. `on_change` is called when another one is read."""

    def __init__(self, host: Host, hostname: str, on_change: Callable[[], None]) -> None:
        self._host = host
        self._on_change = on_change
        self.hostname = hostname

    async def read(self) -> str:
        """Read the name anew; when that fails, the last one stays."""
        try:
            hostname = (await self._host.names()).hostname
        except OsapiError as problem:
            _log.warning("hostname.unreadable", hostname=self.hostname, error=problem.message)
            return self.hostname
        if hostname != self.hostname:
            _log.info("hostname.changed", hostname=hostname)
            self.hostname = hostname
            self._on_change()
        return hostname
