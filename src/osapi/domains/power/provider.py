"""What an implementation of the power operations must offer."""

from __future__ import annotations

from typing import Any, Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.power import operations
from osapi.domains.power.models import PowerChange, PowerStatus, RebootRequest, ShutdownRequest


class PowerProvider(Protocol):
    """Lets a host go down."""

    async def reboot(self, request: RebootRequest, /) -> PowerChange: ...

    async def returned(self, request: RebootRequest, note: dict[str, Any], /) -> PowerChange: ...

    async def shutdown(self, request: ShutdownRequest, /) -> PowerChange: ...

    async def cancel(self, request: Nothing, /) -> PowerChange: ...

    async def get(self, request: Nothing, /) -> PowerStatus: ...


HANDLERS = (
    handle(operations.REBOOT, PowerProvider.reboot, later=PowerProvider.returned),
    handle(operations.SHUTDOWN, PowerProvider.shutdown),
    handle(operations.CANCEL, PowerProvider.cancel),
    handle(operations.GET, PowerProvider.get),
)
