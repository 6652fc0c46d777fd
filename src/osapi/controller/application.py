"""What one controller serves: the routes of all slices over its parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from starlette.types import ASGIApp

from osapi.config.settings import Settings
from osapi.contract.endpoint import Routes
from osapi.contract.operation import Operation
from osapi.controller import asgi, auditing, entrance, filing, layout, notifying
from osapi.controller.authenticate import Authenticator
from osapi.controller.fleet_view import FleetView
from osapi.controller.node import NodeServices
from osapi.controller.observed import observed
from osapi.controller.parts import Parts
from osapi.controller.status import http as status_routes
from osapi.controller.status.look import Sources
from osapi.fleet import discovery as discovery_routes
from osapi.fleet import http as fleet_routes
from osapi.fleet import suspicions
from osapi.fleet import target_http as target_routes
from osapi.fleet.enrolment import http as enrolment_routes
from osapi.jobs import http as job_routes

Operations = Mapping[str, Operation[Any, Any]]


async def application(
    settings: Settings, operations: Operations, parts: Parts, stopping: asyncio.Event, opened: AsyncExitStack
) -> ASGIApp:
    """The application. `opened` ends what only the routes need; `stopping` ends open streams."""
    api = settings.controller.api
    services = NodeServices(
        jobs=parts.jobs,
        fleet=parts.fleet.registry,
        wait_s=api.job_timeout.total_seconds(),
        body_limit=api.body_limit_bytes,
    )
    slices = await _slices(settings, operations, parts, opened)
    app = asgi.application(
        asgi.routes(operations, services, slices, list(parts.checks().values()), api.upload_limit_bytes or None),
        entrance.of_settings(api, Authenticator(parts.tokens.verifier, time.time), parts.audit),
        stopping,
        api.security.cors.allow_origins,
    )
    return observed(app, parts.metrics)


async def _slices(settings: Settings, operations: Operations, parts: Parts, opened: AsyncExitStack) -> Routes:
    """Every route that is not that of an operation on hosts."""
    fleet, jobs, broker = parts.fleet, parts.jobs, parts.broker
    view = FleetView(fleet.registry)
    checks = {**parts.checks(), **parts.findings()}
    sources = Sources(
        survey=broker.survey(), layout=layout.of_settings(settings), jobs=jobs, fleet=fleet, checks=checks
    )
    return [
        *status_routes.routes(sources),
        *job_routes.routes(jobs, operations, view, time.time),
        *suspicions.routes(fleet.registry, parts.quarantine),
        *enrolment_routes.routes(parts.enrolment, fleet.registry),
        *fleet_routes.routes(fleet.registry, fleet.drains, fleet.timelines, parts.enrolment.forget),
        *discovery_routes.routes(fleet.registry, fleet.components),
        *auditing.routes(parts.audit, parts.rotating),
        *notifying.routes(parts.notify, fleet.registry),
        *await filing.routes(settings.nats, broker, view, opened),
        *target_routes.routes(fleet.registry),
        *parts.tokens.routes(broker),
    ]
