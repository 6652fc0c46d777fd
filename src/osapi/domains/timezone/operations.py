"""The operations on the time zone."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.timezone.models import Timezone, TimezoneChange, TimezoneUpdate

GET = Operation(
    name="node.timezone.get",
    operation_id="GetNodeTimezone",
    kind=Kind.QUERY,
    request=Nothing,
    result=Timezone,
    permission="timezone:read",
    route=("GET", "/timezone"),
    command=("node", "timezone", "get"),
    summary="Show the time zone.",
    columns=(Column("TIMEZONE", "timezone"), Column("UTC_OFFSET", "utc_offset")),
)

UPDATE = Operation(
    name="node.timezone.update",
    operation_id="PutNodeTimezone",
    kind=Kind.MODIFY,
    request=TimezoneUpdate,
    result=TimezoneChange,
    permission="timezone:write",
    route=("PUT", "/timezone"),
    command=("node", "timezone", "update"),
    summary="Set the time zone.",
    lock="timezone",
    idempotent=True,
)

OPERATIONS = (GET, UPDATE)
