"""Puts the application together: routes of operations and slices, the gate before them, the border around."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import msgspec
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp

from osapi.audit import api as audit_api
from osapi.auth import api as token_api
from osapi.contract.endpoint import Call, Endpoint, Reply, Routes
from osapi.contract.operation import Nothing, Operation
from osapi.controller import endpoint, health, node, openapi
from osapi.controller.border import Border
from osapi.controller.entrance import Entrance
from osapi.controller.gate import Gate
from osapi.controller.node import NodeServices
from osapi.controller.routing import Route, RouteTree, TreeRoute
from osapi.controller.status.api import STATUS
from osapi.files import api as file_api
from osapi.fleet import api as fleet_api
from osapi.fleet import target_api
from osapi.fleet.enrolment import api as enrolment_api
from osapi.jobs import endpoints as job_endpoints
from osapi.notify import api as notify_api
from osapi.telemetry.metrics import Check

_ASKED = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-Request-Id"]
_TOLD = ["Location", "Retry-After", "X-Request-Id"]

DOCUMENT = Endpoint(
    operation_id="GetOpenAPI",
    method="GET",
    path="/api/openapi.json",
    permission=None,
    summary="Describe this API as OpenAPI 3.1.",
    tag="Info",
    request=Nothing,
    response=dict[str, Any],
)


def endpoints() -> list[Endpoint]:
    """Every route that is written by hand and described; the facts only, without what serves them."""
    slices = (job_endpoints, fleet_api, enrolment_api, audit_api, target_api, file_api, token_api, notify_api)
    return [*(fact for each in slices for fact in _facts(each)), health.HEALTH, health.READY, STATUS, DOCUMENT]


def document(operations: Sequence[Operation[Any, Any]]) -> bytes:
    """The OpenAPI document of everything that is served, as JSON."""
    return openapi.encode(operations, endpoints())


def routes(
    operations: Mapping[str, Operation[Any, Any]],
    services: NodeServices,
    slices: Routes,
    checks: Sequence[Check],
    upload_limit: int | None = None,
) -> list[Route]:
    """Every route there is. `slices` are those written by hand, `checks` what readiness depends on.

    `upload_limit` bounds forms with a file, in bytes; None does not.
    """
    limits = endpoint.Limits(services.body_limit, upload_limit)
    probes = health.routes(checks)
    at_root = [(replace(probe, path=probe.path.removeprefix("/api")), handle) for probe, handle in probes]
    described = msgspec.Raw(document(list(operations.values())))

    async def describe(_: Call) -> Reply:
        return Reply(body=described)

    by_hand = [*slices, *probes, *at_root, (DOCUMENT, describe)]
    return [
        *(node.route(operation, services) for operation in operations.values()),
        *(endpoint.route(fact, handle, limits) for fact, handle in by_hand),
    ]


def application(
    every: Iterable[Route], entrance: Entrance, stopping: asyncio.Event, allow_origins: Sequence[str] = ()
) -> ASGIApp:
    """The application. `stopping` ends streams; without `allow_origins` no page of another origin may call."""
    gate = Gate(entrance, stopping)
    tree = TreeRoute(RouteTree(every), gate.serve, gate.refuse)
    app: ASGIApp = Border(Router([tree], default=gate.unknown, redirect_slashes=False))
    if not allow_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=allow_origins,
        allow_methods=["GET", "POST", "PUT", "DELETE", "HEAD"],
        allow_headers=_ASKED,
        expose_headers=_TOLD,
    )


def _facts(module: ModuleType) -> list[Endpoint]:
    return [value for value in vars(module).values() if isinstance(value, Endpoint)]
