"""What an implementation of the sysctl operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.sysctl import operations
from osapi.domains.sysctl.models import SysctlChange, SysctlCreate, SysctlEntry, SysctlKey, SysctlUpdate


class SysctlProvider(Protocol):
    """Keeps kernel parameters."""

    async def entries(self, request: Nothing, /) -> list[SysctlEntry]: ...

    async def get(self, request: SysctlKey, /) -> SysctlEntry: ...

    async def create(self, request: SysctlCreate, /) -> SysctlChange: ...

    async def update(self, request: SysctlUpdate, /) -> SysctlChange: ...

    async def delete(self, request: SysctlKey, /) -> SysctlChange: ...


HANDLERS = (
    handle(operations.LIST, SysctlProvider.entries),
    handle(operations.GET, SysctlProvider.get),
    handle(operations.CREATE, SysctlProvider.create),
    handle(operations.UPDATE, SysctlProvider.update),
    handle(operations.DELETE, SysctlProvider.delete),
)
