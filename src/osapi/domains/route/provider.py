"""What an implementation of the route operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.route import operations
from osapi.domains.route.models import RouteChange, RouteCreate, RouteQuery, RouteReport, RouteUpdate


class RouteProvider(Protocol):
    """Shows routes and keeps static ones."""

    async def entries(self, request: Nothing, /) -> RouteReport: ...

    async def get(self, request: RouteQuery, /) -> RouteReport: ...

    async def create(self, request: RouteCreate, /) -> RouteChange: ...

    async def update(self, request: RouteUpdate, /) -> RouteChange: ...

    async def delete(self, request: RouteQuery, /) -> RouteChange: ...


HANDLERS = (
    handle(operations.LIST, RouteProvider.entries),
    handle(operations.GET, RouteProvider.get),
    handle(operations.CREATE, RouteProvider.create),
    handle(operations.UPDATE, RouteProvider.update),
    handle(operations.DELETE, RouteProvider.delete),
)
