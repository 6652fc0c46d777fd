"""The operations on kernel parameters."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.sysctl.models import SysctlChange, SysctlCreate, SysctlEntry, SysctlKey, SysctlUpdate

_KEY = (Column("KEY", "key"),)
_ENTRY = (Column("KEY", "key"), Column("VALUE", "value"))

LIST = Operation(
    name="node.sysctl.list",
    operation_id="GetNodeSysctl",
    kind=Kind.QUERY,
    request=Nothing,
    result=list[SysctlEntry],
    permission="sysctl:read",
    route=("GET", "/sysctl"),
    command=("node", "sysctl", "list"),
    summary="List the managed kernel parameters.",
    columns=_ENTRY,
)

GET = Operation(
    name="node.sysctl.get",
    operation_id="GetNodeSysctlByKey",
    kind=Kind.QUERY,
    request=SysctlKey,
    result=SysctlEntry,
    permission="sysctl:read",
    route=("GET", "/sysctl/{key}"),
    command=("node", "sysctl", "get"),
    summary="Show a managed kernel parameter.",
    columns=_ENTRY,
)

CREATE = Operation(
    name="node.sysctl.create",
    operation_id="PostNodeSysctl",
    kind=Kind.MODIFY,
    request=SysctlCreate,
    result=SysctlChange,
    permission="sysctl:write",
    route=("POST", "/sysctl"),
    command=("node", "sysctl", "create"),
    summary="Set a kernel parameter now and at every boot.",
    columns=_KEY,
    lock="sysctl",
    idempotent=True,
)

UPDATE = Operation(
    name="node.sysctl.update",
    operation_id="PutNodeSysctl",
    kind=Kind.MODIFY,
    request=SysctlUpdate,
    result=SysctlChange,
    permission="sysctl:write",
    route=("PUT", "/sysctl/{key}"),
    command=("node", "sysctl", "update"),
    summary="Give a managed kernel parameter another value.",
    columns=_KEY,
    lock="sysctl",
    idempotent=True,
)

DELETE = Operation(
    name="node.sysctl.delete",
    operation_id="DeleteNodeSysctl",
    kind=Kind.MODIFY,
    request=SysctlKey,
    result=SysctlChange,
    permission="sysctl:write",
    route=("DELETE", "/sysctl/{key}"),
    command=("node", "sysctl", "delete"),
    summary="Stop managing a kernel parameter and restore its former value.",
    columns=_KEY,
    lock="sysctl",
    idempotent=True,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE)
