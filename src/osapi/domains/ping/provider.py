"""What an implementation of the ping operation must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.ping import operations
from osapi.domains.ping.models import Ping, PingResult


class PingProvider(Protocol):
    """Tries addresses."""

    async def do(self, request: Ping, /) -> PingResult: ...


HANDLERS = (handle(operations.DO, PingProvider.do),)
