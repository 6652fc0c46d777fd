"""What an implementation of the user operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.user import operations
from osapi.domains.user.models import (
    SshKeyAdd,
    SshKeyChange,
    SshKeyRemove,
    SshKeyReport,
    UserChange,
    UserCreate,
    UserDelete,
    UserName,
    UserPassword,
    UserReport,
    UserUpdate,
)


class UserProvider(Protocol):
    """Keeps accounts and the keys that open them."""

    async def users(self, request: Nothing, /) -> UserReport: ...

    async def get(self, request: UserName, /) -> UserReport: ...

    async def create(self, request: UserCreate, /) -> UserChange: ...

    async def update(self, request: UserUpdate, /) -> UserChange: ...

    async def delete(self, request: UserDelete, /) -> UserChange: ...

    async def set_password(self, request: UserPassword, /) -> UserChange: ...

    async def keys(self, request: UserName, /) -> SshKeyReport: ...

    async def add_key(self, request: SshKeyAdd, /) -> SshKeyChange: ...

    async def remove_key(self, request: SshKeyRemove, /) -> SshKeyChange: ...


HANDLERS = (
    handle(operations.LIST, UserProvider.users),
    handle(operations.GET, UserProvider.get),
    handle(operations.CREATE, UserProvider.create),
    handle(operations.UPDATE, UserProvider.update),
    handle(operations.DELETE, UserProvider.delete),
    handle(operations.PASSWORD, UserProvider.set_password),
    handle(operations.SSH_KEY_LIST, UserProvider.keys),
    handle(operations.SSH_KEY_ADD, UserProvider.add_key),
    handle(operations.SSH_KEY_REMOVE, UserProvider.remove_key),
)
