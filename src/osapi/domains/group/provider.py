"""What an implementation of the group operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.group import operations
from osapi.domains.group.models import GroupChange, GroupCreate, GroupDelete, GroupName, GroupReport, GroupUpdate


class GroupProvider(Protocol):
    """Keeps groups."""

    async def groups(self, request: Nothing, /) -> GroupReport: ...

    async def get(self, request: GroupName, /) -> GroupReport: ...

    async def create(self, request: GroupCreate, /) -> GroupChange: ...

    async def update(self, request: GroupUpdate, /) -> GroupChange: ...

    async def delete(self, request: GroupDelete, /) -> GroupChange: ...


HANDLERS = (
    handle(operations.LIST, GroupProvider.groups),
    handle(operations.GET, GroupProvider.get),
    handle(operations.CREATE, GroupProvider.create),
    handle(operations.UPDATE, GroupProvider.update),
    handle(operations.DELETE, GroupProvider.delete),
)
