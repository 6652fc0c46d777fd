"""What an implementation of the process operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.process import operations
from osapi.domains.process.models import (
    ProcessFilter,
    ProcessKey,
    ProcessList,
    ProcessReport,
    ProcessSignal,
    ProcessSignalled,
)


class ProcessProvider(Protocol):
    """Shows processes and sends them signals."""

    async def processes(self, request: ProcessFilter, /) -> ProcessList: ...

    async def get(self, request: ProcessKey, /) -> ProcessReport: ...

    async def send(self, request: ProcessSignal, /) -> ProcessSignalled: ...


HANDLERS = (
    handle(operations.LIST, ProcessProvider.processes),
    handle(operations.GET, ProcessProvider.get),
    handle(operations.SIGNAL, ProcessProvider.send),
)
