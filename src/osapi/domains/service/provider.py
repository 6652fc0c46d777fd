"""What an implementation of the service operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.service import operations
from osapi.domains.service.models import (
    Service,
    ServiceAction,
    ServiceChange,
    ServiceCreate,
    ServiceDelete,
    ServiceName,
    Services,
    ServiceUpdate,
)


class ServiceProvider(Protocol):
    """Shows and keeps services."""

    async def entries(self, request: Nothing, /) -> Services: ...

    async def get(self, request: ServiceName, /) -> Service: ...

    async def create(self, request: ServiceCreate, /) -> ServiceChange: ...

    async def update(self, request: ServiceUpdate, /) -> ServiceChange: ...

    async def delete(self, request: ServiceDelete, /) -> ServiceChange: ...

    async def start(self, request: ServiceAction, /) -> ServiceChange: ...

    async def stop(self, request: ServiceAction, /) -> ServiceChange: ...

    async def restart(self, request: ServiceAction, /) -> ServiceChange: ...

    async def reload(self, request: ServiceAction, /) -> ServiceChange: ...

    async def enable(self, request: ServiceAction, /) -> ServiceChange: ...

    async def disable(self, request: ServiceAction, /) -> ServiceChange: ...

    async def mask(self, request: ServiceAction, /) -> ServiceChange: ...

    async def unmask(self, request: ServiceAction, /) -> ServiceChange: ...


HANDLERS = (
    handle(operations.LIST, ServiceProvider.entries),
    handle(operations.GET, ServiceProvider.get),
    handle(operations.CREATE, ServiceProvider.create),
    handle(operations.UPDATE, ServiceProvider.update),
    handle(operations.DELETE, ServiceProvider.delete),
    handle(operations.START, ServiceProvider.start),
    handle(operations.STOP, ServiceProvider.stop),
    handle(operations.RESTART, ServiceProvider.restart),
    handle(operations.RELOAD, ServiceProvider.reload),
    handle(operations.ENABLE, ServiceProvider.enable),
    handle(operations.DISABLE, ServiceProvider.disable),
    handle(operations.MASK, ServiceProvider.mask),
    handle(operations.UNMASK, ServiceProvider.unmask),
)
