"""The operations that run what the caller says."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Operation
from osapi.domains.command.models import CommandResult, ExecRequest, ShellRequest

_COLUMNS = (Column("EXIT", "exit_code"), Column("STDOUT", "stdout"))

EXEC = Operation(
    name="command.exec.execute",
    operation_id="PostNodeCommandExec",
    kind=Kind.MODIFY,
    request=ExecRequest,
    result=CommandResult,
    permission="command:execute",
    route=("POST", "/command/exec"),
    command=("node", "command", "exec"),
    summary="Run a program with arguments.",
    columns=_COLUMNS,
    status=202,
)

SHELL = Operation(
    name="command.shell.execute",
    operation_id="PostNodeCommandShell",
    kind=Kind.MODIFY,
    request=ShellRequest,
    result=CommandResult,
    permission="command:execute",
    route=("POST", "/command/shell"),
    command=("node", "command", "shell"),
    summary="Run text in /bin/sh.",
    columns=_COLUMNS,
    status=202,
)

OPERATIONS = (EXEC, SHELL)
