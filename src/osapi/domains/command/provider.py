"""What an implementation of the command operations must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.command import operations
from osapi.domains.command.models import CommandResult, ExecRequest, ShellRequest


class CommandProvider(Protocol):
    """Runs what the caller says."""

    async def execute(self, request: ExecRequest, /) -> CommandResult: ...

    async def shell(self, request: ShellRequest, /) -> CommandResult: ...


HANDLERS = (
    handle(operations.EXEC, CommandProvider.execute),
    handle(operations.SHELL, CommandProvider.shell),
)
