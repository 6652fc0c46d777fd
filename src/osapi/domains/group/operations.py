"""The operations on groups."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.group.models import GroupChange, GroupCreate, GroupDelete, GroupName, GroupReport, GroupUpdate

_LOCK = "accounts"
_NAME = (Column("NAME", "name"),)
_GROUP = (Column("NAME", "groups[].name"), Column("GID", "groups[].gid"), Column("MEMBERS", "groups[].members"))

LIST = Operation(
    name="node.group.list",
    operation_id="GetNodeGroup",
    kind=Kind.QUERY,
    request=Nothing,
    result=GroupReport,
    permission="user:read",
    route=("GET", "/group"),
    command=("node", "group", "list"),
    summary="List the groups.",
    columns=_GROUP,
)

GET = Operation(
    name="node.group.get",
    operation_id="GetNodeGroupByName",
    kind=Kind.QUERY,
    request=GroupName,
    result=GroupReport,
    permission="user:read",
    route=("GET", "/group/{name}"),
    command=("node", "group", "get"),
    summary="Show a group.",
    columns=_GROUP,
)

CREATE = Operation(
    name="node.group.create",
    operation_id="PostNodeGroup",
    kind=Kind.MODIFY,
    request=GroupCreate,
    result=GroupChange,
    permission="user:write",
    route=("POST", "/group"),
    command=("node", "group", "create"),
    summary="Make a group.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

UPDATE = Operation(
    name="node.group.update",
    operation_id="PutNodeGroup",
    kind=Kind.MODIFY,
    request=GroupUpdate,
    result=GroupChange,
    permission="user:write",
    route=("PUT", "/group/{name}"),
    command=("node", "group", "update"),
    summary="Set who belongs to a group.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

DELETE = Operation(
    name="node.group.delete",
    operation_id="DeleteNodeGroup",
    kind=Kind.MODIFY,
    request=GroupDelete,
    result=GroupChange,
    permission="user:write",
    route=("DELETE", "/group/{name}"),
    command=("node", "group", "delete"),
    summary="Remove a group.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE)
