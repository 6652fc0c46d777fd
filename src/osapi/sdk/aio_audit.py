"""The audit of a controller through the asynchronous client; see `audit`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from osapi.audit.api import AuditEntry, AuditEntryResponse, ListAuditResponse
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.audit import audit_filters, read_entry
from osapi.sdk.lines import LineReader
from osapi.sdk.request import Request
from osapi.sdk.wire import decode

if TYPE_CHECKING:
    from osapi.sdk.verification import Known, Verdict


class AsyncAudit:
    """Who asked for what, and what came of it. Needs the permission `audit:read`."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(
        self, *, limit: int | None = None, offset: int | None = None, cursor: str | None = None, **filters: Any
    ) -> ListAuditResponse:
        """One page of entries, newest first; see `Audit.list`."""
        request = calls.audit_list(**audit_filters(**filters), limit=limit, offset=offset, cursor=cursor)
        answer: ListAuditResponse = decode(await self._raw.send(request), ListAuditResponse)
        return answer

    async def iterate(self, *, page_size: int = 100, **filters: Any) -> AsyncIterator[AuditEntry]:
        """Every entry that matches, newest first, one page at a time."""
        cursor = None
        while True:
            page = await self.list(limit=page_size, cursor=cursor, **filters)
            for entry in page.items:
                yield entry
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get(self, entry_id: str) -> AuditEntry:
        """One entry. Raises `NotFound`."""
        answer: AuditEntryResponse = decode(await self._raw.send(calls.audit_get(entry_id)), AuditEntryResponse)
        return answer.entry

    async def export(self, **filters: Any) -> AsyncIterator[AuditEntry]:
        """Every entry that the stream holds; see `Audit.export`."""
        async for line in self._lines(calls.audit_export(**audit_filters(**filters))):
            yield read_entry(line)

    async def verify(self, *, public_key: bytes | None = None, known: Iterable[Known] = ()) -> Verdict:
        """Read the whole chain and say where it breaks; see `Audit.verify`."""
        from osapi.sdk.verification import ChainReader

        reader = ChainReader(public_key, known)
        async for line in self._lines(calls.audit_chain()):
            reader.take(line)
        return reader.verdict()

    async def _lines(self, request: Request) -> AsyncIterator[bytes]:
        reader = LineReader()
        async with aclosing(self._raw.stream(request)) as blocks:
            async for block in blocks:
                for line in reader.feed(block):
                    yield line
