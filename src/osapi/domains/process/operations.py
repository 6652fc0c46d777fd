"""The operations on processes."""

from __future__ import annotations

from osapi.contract.operation import Column, Format, Kind, Operation
from osapi.domains.process.models import (
    ProcessFilter,
    ProcessKey,
    ProcessList,
    ProcessReport,
    ProcessSignal,
    ProcessSignalled,
)


def _columns(path: str) -> tuple[Column, ...]:
    return (
        Column("PID", f"{path}.pid"),
        Column("NAME", f"{path}.name"),
        Column("USER", f"{path}.user"),
        Column("STATE", f"{path}.state"),
        Column("CPU%", f"{path}.cpu_percent", Format.DECIMAL),
        Column("COMMAND", f"{path}.command"),
    )


LIST = Operation(
    name="node.process.list",
    operation_id="GetNodeProcess",
    kind=Kind.QUERY,
    request=ProcessFilter,
    result=ProcessList,
    permission="process:read",
    route=("GET", "/process"),
    command=("node", "process", "list"),
    summary="List the processes.",
    columns=_columns("processes[]"),
)

GET = Operation(
    name="node.process.get",
    operation_id="GetNodeProcessByPid",
    kind=Kind.QUERY,
    request=ProcessKey,
    result=ProcessReport,
    permission="process:read",
    route=("GET", "/process/{pid}"),
    command=("node", "process", "get"),
    summary="Show a process.",
    columns=_columns("process"),
)

SIGNAL = Operation(
    name="node.process.signal",
    operation_id="PostNodeProcessSignal",
    kind=Kind.MODIFY,
    request=ProcessSignal,
    result=ProcessSignalled,
    permission="process:execute",
    route=("POST", "/process/{pid}/signal"),
    command=("node", "process", "signal"),
    summary="Send a signal to a process.",
    columns=(Column("PID", "pid"), Column("SIGNAL", "signal"), Column("CHANGED", "changed")),
)

OPERATIONS = (LIST, GET, SIGNAL)
