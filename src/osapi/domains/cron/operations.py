"""The operations on jobs of cron."""

from __future__ import annotations

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.cron.models import CronChange, CronCreate, CronEntry, CronName, CronUpdate

_NAME = (Column("NAME", "name"),)
_ENTRY = (*_NAME, Column("SCHEDULE", "schedule"), Column("OBJECT", "object"), Column("USER", "user"))

LIST = Operation(
    name="node.cron.list",
    operation_id="GetNodeScheduleCron",
    kind=Kind.QUERY,
    request=Nothing,
    result=list[CronEntry],
    permission="cron:read",
    route=("GET", "/schedule/cron"),
    command=("node", "schedule", "cron", "list"),
    summary="List the managed cron jobs.",
    columns=_ENTRY,
)

GET = Operation(
    name="node.cron.get",
    operation_id="GetNodeScheduleCronByName",
    kind=Kind.QUERY,
    request=CronName,
    result=CronEntry,
    permission="cron:read",
    route=("GET", "/schedule/cron/{name}"),
    command=("node", "schedule", "cron", "get"),
    summary="Show a managed cron job.",
    columns=_ENTRY,
)

CREATE = Operation(
    name="node.cron.create",
    operation_id="PostNodeScheduleCron",
    kind=Kind.MODIFY,
    request=CronCreate,
    result=CronChange,
    permission="cron:write",
    route=("POST", "/schedule/cron"),
    command=("node", "schedule", "cron", "create"),
    summary="Run an uploaded program or command by schedule.",
    columns=_NAME,
    lock="cron",
    idempotent=True,
)

UPDATE = Operation(
    name="node.cron.update",
    operation_id="PutNodeScheduleCron",
    kind=Kind.MODIFY,
    request=CronUpdate,
    result=CronChange,
    permission="cron:write",
    route=("PUT", "/schedule/cron/{name}"),
    command=("node", "schedule", "cron", "update"),
    summary="Change what a managed cron job runs, when, or as whom.",
    columns=_NAME,
    lock="cron",
    idempotent=True,
)

DELETE = Operation(
    name="node.cron.delete",
    operation_id="DeleteNodeScheduleCron",
    kind=Kind.MODIFY,
    request=CronName,
    result=CronChange,
    permission="cron:write",
    route=("DELETE", "/schedule/cron/{name}"),
    command=("node", "schedule", "cron", "delete"),
    summary="Remove a managed cron job.",
    columns=_NAME,
    lock="cron",
    idempotent=True,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE)
