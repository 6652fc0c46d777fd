"""What an implementation of the cron operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.cron import operations
from osapi.domains.cron.models import CronChange, CronCreate, CronEntry, CronName, CronUpdate


class CronProvider(Protocol):
    """Keeps jobs of cron."""

    async def entries(self, request: Nothing, /) -> list[CronEntry]: ...

    async def get(self, request: CronName, /) -> CronEntry: ...

    async def create(self, request: CronCreate, /) -> CronChange: ...

    async def update(self, request: CronUpdate, /) -> CronChange: ...

    async def delete(self, request: CronName, /) -> CronChange: ...


HANDLERS = (
    handle(operations.LIST, CronProvider.entries),
    handle(operations.GET, CronProvider.get),
    handle(operations.CREATE, CronProvider.create),
    handle(operations.UPDATE, CronProvider.update),
    handle(operations.DELETE, CronProvider.delete),
)
