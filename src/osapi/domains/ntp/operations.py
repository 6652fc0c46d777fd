"""The operations on the servers from which a host takes the time."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.ntp.models import NtpChange, NtpCreate, NtpStatus, NtpUpdate

_LOCK = "ntp"

GET = Operation(
    name="node.ntp.get",
    operation_id="GetNodeNtp",
    kind=Kind.QUERY,
    request=Nothing,
    result=NtpStatus,
    permission="ntp:read",
    route=("GET", "/ntp"),
    command=("node", "ntp", "get"),
    summary="Show whether the clock is synchronized, and the sources of time.",
    columns=(Column("SYNCHRONIZED", "synchronized"), Column("SOURCE", "current_source"), Column("SERVERS", "servers")),
)

CREATE = Operation(
    name="node.ntp.create",
    operation_id="PostNodeNtp",
    kind=Kind.MODIFY,
    request=NtpCreate,
    result=NtpChange,
    permission="ntp:write",
    route=("POST", "/ntp"),
    command=("node", "ntp", "create"),
    summary="Take the time from these servers.",
    lock=_LOCK,
    idempotent=True,
)

UPDATE = Operation(
    name="node.ntp.update",
    operation_id="PutNodeNtp",
    kind=Kind.MODIFY,
    request=NtpUpdate,
    result=NtpChange,
    permission="ntp:write",
    route=("PUT", "/ntp"),
    command=("node", "ntp", "update"),
    summary="Take the time from other servers than before.",
    lock=_LOCK,
    idempotent=True,
)

DELETE = Operation(
    name="node.ntp.delete",
    operation_id="DeleteNodeNtp",
    kind=Kind.MODIFY,
    request=Nothing,
    result=NtpChange,
    permission="ntp:write",
    route=("DELETE", "/ntp"),
    command=("node", "ntp", "delete"),
    summary="Remove the servers that OSAPI has set.",
    lock=_LOCK,
    idempotent=True,
)

OPERATIONS = (GET, CREATE, UPDATE, DELETE)
