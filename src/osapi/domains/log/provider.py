"""What an implementation of the log operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import Nothing, handle
from osapi.domains.log import operations
from osapi.domains.log.models import LogEntries, LogQuery, LogSources, LogUnitEntries, LogUnitQuery


class LogProvider(Protocol):
    """Reads the journal."""

    async def query(self, request: LogQuery, /) -> LogEntries: ...

    async def unit(self, request: LogUnitQuery, /) -> LogUnitEntries: ...

    async def sources(self, request: Nothing, /) -> LogSources: ...


HANDLERS = (
    handle(operations.QUERY, LogProvider.query),
    handle(operations.UNIT, LogProvider.unit),
    handle(operations.SOURCE, LogProvider.sources),
)
