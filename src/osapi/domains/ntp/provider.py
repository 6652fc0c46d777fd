"""What an implementation of the ntp operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.ntp import operations
from osapi.domains.ntp.models import NtpChange, NtpCreate, NtpStatus, NtpUpdate


class NtpProvider(Protocol):
    """Keeps the servers from which a host takes the time."""

    async def get(self, request: Nothing, /) -> NtpStatus: ...

    async def create(self, request: NtpCreate, /) -> NtpChange: ...

    async def update(self, request: NtpUpdate, /) -> NtpChange: ...

    async def delete(self, request: Nothing, /) -> NtpChange: ...


HANDLERS = (
    handle(operations.GET, NtpProvider.get),
    handle(operations.CREATE, NtpProvider.create),
    handle(operations.UPDATE, NtpProvider.update),
    handle(operations.DELETE, NtpProvider.delete),
)
