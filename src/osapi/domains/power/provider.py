"""What an implementation of the power operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.power import operations
from osapi.domains.power.models import PowerChange, PowerRequest, PowerStatus


class PowerProvider(Protocol):
    """Lets a host go down."""

    async def reboot(self, request: PowerRequest, /) -> PowerChange: ...

    async def shutdown(self, request: PowerRequest, /) -> PowerChange: ...

    async def cancel(self, request: Nothing, /) -> PowerChange: ...

    async def get(self, request: Nothing, /) -> PowerStatus: ...


HANDLERS = (
    handle(operations.REBOOT, PowerProvider.reboot),
    handle(operations.SHUTDOWN, PowerProvider.shutdown),
    handle(operations.CANCEL, PowerProvider.cancel),
    handle(operations.GET, PowerProvider.get),
)
