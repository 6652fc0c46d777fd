"""The operations on services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.service.models import (
    Service,
    ServiceAction,
    ServiceChange,
    ServiceCreate,
    ServiceDelete,
    ServiceName,
    Services,
    ServiceUpdate,
)

_NAME = (Column("NAME", "name"),)
_PATIENCE = timedelta(seconds=120)
"""systemd gives a service 90 seconds to start or stop, see DefaultTimeoutStartSec= in systemd-system.conf(5)."""

LIST = Operation(
    name="node.service.list",
    operation_id="GetNodeService",
    kind=Kind.QUERY,
    request=Nothing,
    result=Services,
    permission="service:read",
    route=("GET", "/service"),
    command=("node", "service", "list"),
    summary="List the services of the host.",
    columns=(
        Column("NAME", "services[].name"),
        Column("STATUS", "services[].status"),
        Column("ENABLED", "services[].enabled"),
    ),
)

GET = Operation(
    name="node.service.get",
    operation_id="GetNodeServiceByName",
    kind=Kind.QUERY,
    request=ServiceName,
    result=Service,
    permission="service:read",
    route=("GET", "/service/{name}"),
    command=("node", "service", "get"),
    summary="Show a service.",
    columns=(
        Column("NAME", "service.name"),
        Column("STATUS", "service.status"),
        Column("ENABLED", "service.enabled"),
        Column("DESCRIPTION", "service.description"),
    ),
)

CREATE = Operation(
    name="node.service.create",
    operation_id="PostNodeService",
    kind=Kind.MODIFY,
    request=ServiceCreate,
    result=ServiceChange,
    permission="service:write",
    route=("POST", "/service"),
    command=("node", "service", "create"),
    summary="Put an uploaded unit in place.",
    columns=_NAME,
    deadline=_PATIENCE,
    lock="service",
    idempotent=True,
)

UPDATE = Operation(
    name="node.service.update",
    operation_id="PutNodeService",
    kind=Kind.MODIFY,
    request=ServiceUpdate,
    result=ServiceChange,
    permission="service:write",
    route=("PUT", "/service/{name}"),
    command=("node", "service", "update"),
    summary="Replace a managed unit.",
    columns=_NAME,
    deadline=_PATIENCE,
    lock="service",
    idempotent=True,
)

DELETE = Operation(
    name="node.service.delete",
    operation_id="DeleteNodeService",
    kind=Kind.MODIFY,
    request=ServiceDelete,
    result=ServiceChange,
    permission="service:write",
    route=("DELETE", "/service/{name}"),
    command=("node", "service", "delete"),
    summary="Stop, disable and remove a managed unit.",
    columns=_NAME,
    deadline=_PATIENCE,
    lock="service",
    idempotent=True,
)


def _action(verb: str, operation_id: str, summary: str, *, idempotent: bool = True) -> Operation[Any, ServiceChange]:
    return Operation(
        name=f"node.service.{verb}",
        operation_id=operation_id,
        kind=Kind.MODIFY,
        request=ServiceAction,
        result=ServiceChange,
        permission="service:write",
        route=("POST", f"/service/{{name}}/{verb}"),
        command=("node", "service", verb),
        summary=summary,
        columns=_NAME,
        deadline=_PATIENCE,
        lock="service",
        idempotent=idempotent,
    )


START = _action("start", "PostNodeServiceStart", "Start a service and wait until it is up.")
STOP = _action("stop", "PostNodeServiceStop", "Stop a service and wait until it is down.")
RESTART = _action("restart", "PostNodeServiceRestart", "Stop a service if it runs, and start it.", idempotent=False)
RELOAD = _action("reload", "PostNodeServiceReload", "Let a service read its configuration again.", idempotent=False)
ENABLE = _action("enable", "PostNodeServiceEnable", "Start a service at every boot.")
DISABLE = _action("disable", "PostNodeServiceDisable", "Start a service at boot no longer.")
MASK = _action("mask", "PostNodeServiceMask", "Make it impossible to start a service.")
UNMASK = _action("unmask", "PostNodeServiceUnmask", "Make it possible again to start a service.")

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE, START, STOP, RESTART, RELOAD, ENABLE, DISABLE, MASK, UNMASK)
