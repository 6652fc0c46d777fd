"""What an implementation of the interface operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.interface import operations
from osapi.domains.interface.models import (
    InterfaceChange,
    InterfaceCreate,
    InterfaceFound,
    InterfaceList,
    InterfaceRef,
    InterfaceUpdate,
)


class InterfaceProvider(Protocol):
    """Shows and configures network interfaces."""

    async def entries(self, request: Nothing, /) -> InterfaceList: ...

    async def get(self, request: InterfaceRef, /) -> InterfaceFound: ...

    async def create(self, request: InterfaceCreate, /) -> InterfaceChange: ...

    async def update(self, request: InterfaceUpdate, /) -> InterfaceChange: ...

    async def delete(self, request: InterfaceRef, /) -> InterfaceChange: ...


HANDLERS = (
    handle(operations.LIST, InterfaceProvider.entries),
    handle(operations.GET, InterfaceProvider.get),
    handle(operations.CREATE, InterfaceProvider.create),
    handle(operations.UPDATE, InterfaceProvider.update),
    handle(operations.DELETE, InterfaceProvider.delete),
)
