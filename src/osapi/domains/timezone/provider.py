"""What an implementation of the timezone operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.timezone import operations
from osapi.domains.timezone.models import Timezone, TimezoneChange, TimezoneUpdate


class TimezoneProvider(Protocol):
    """Shows and sets the time zone."""

    async def get(self, request: Nothing, /) -> Timezone: ...

    async def update(self, request: TimezoneUpdate, /) -> TimezoneChange: ...


HANDLERS = (
    handle(operations.GET, TimezoneProvider.get),
    handle(operations.UPDATE, TimezoneProvider.update),
)
