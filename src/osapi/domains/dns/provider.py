"""What an implementation of the DNS operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.dns import operations
from osapi.domains.dns.models import DnsChange, DnsConfig, DnsQuery, DnsRef, DnsUpdate


class DnsProvider(Protocol):
    """Shows and keeps name servers."""

    async def get(self, request: DnsQuery, /) -> DnsConfig: ...

    async def update(self, request: DnsUpdate, /) -> DnsChange: ...

    async def delete(self, request: DnsRef, /) -> DnsChange: ...


HANDLERS = (
    handle(operations.GET, DnsProvider.get),
    handle(operations.UPDATE, DnsProvider.update),
    handle(operations.DELETE, DnsProvider.delete),
)
