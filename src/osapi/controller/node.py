"""The one endpoint behind every derived operation: from an HTTP request to a job, and back to its results.

A caller whose permission is limited to labels reaches only the hosts within: a broadcast goes to those,
`_any` means one of those, and a host outside is refused with 403.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from osapi.contract import masking
from osapi.contract import target as targets
from osapi.contract.errors import OsapiError, Unavailable
from osapi.contract.operation import Operation, deadline_of
from osapi.contract.target import Target
from osapi.controller import attached, envelope, options
from osapi.controller.answer import Answer
from osapi.controller.decode import BODY_METHODS, RequestReader, takes_body
from osapi.controller.endpoint import path_names
from osapi.controller.exchange import JOB_ID, Exchange, path_value
from osapi.controller.routing import Route
from osapi.controller.schemas import element_of
from osapi.fleet.resolution import Reach, Resolution
from osapi.jobs.dispatcher import Collected, Submission, Ticket
from osapi.jobs.record import Actor
from osapi.jobs.status import GRACE_S

PREFIX = "/api/node/{hostname}"


class Jobs(attached.Jobs, Protocol):
    """What is needed of `jobs.service.JobService`."""

    async def submit(self, submission: Submission, /) -> Ticket: ...


class Fleet(Protocol):
    """What is needed of `fleet.registry.Registry`."""

    def resolve(self, target: Target, reach: Reach | None = None, /, *, with_secrets: bool = False) -> Resolution: ...


@dataclass(frozen=True)
class NodeServices:
    """What the endpoints of all operations share.

    `wait_s` is how long they wait unless the caller says otherwise, or the work may take longer.
    """

    jobs: Jobs
    fleet: Fleet
    wait_s: float
    body_limit: int


class NodeEndpoint:
    """Serves one operation."""

    def __init__(self, operation: Operation[Any, Any], services: NodeServices) -> None:
        method, path = operation.route
        self._operation = operation
        self._services = services
        self._has_body = takes_body(method, operation.request, path_names(path))
        self._may_be_query = method not in BODY_METHODS
        self._reader = RequestReader(operation.request, path_names(path), for_hosts=True)
        self._own_status = "status" in element_of(operation.result).__struct_encode_fields__

    async def serve(self, exchange: Exchange) -> Answer:
        """Submit the job, wait for the hosts, answer."""
        asked = options.read(exchange, self._operation.kind)
        submission = await self._submission(exchange, asked)
        ticket = await self._services.jobs.submit(submission)
        exchange.scope[JOB_ID] = ticket.job_id
        wait_s = self._patience_s(submission) if asked.wait_s is None else asked.wait_s
        if wait_s == 0:
            return envelope.accepted(ticket.job_id)
        single = not targets.is_broadcast(submission.target)
        answer = partial(
            envelope.answer_of,
            status=self._operation.status,
            single=single,
            waited_s=wait_s,
            own_status=self._own_status,
        )
        if attached.is_wanted(exchange, submission.request):
            return Answer(200, events=attached.events(self._services.jobs, ticket, submission, wait_s, answer))
        return answer(await self._collect(ticket, wait_s))

    def _patience_s(self, submission: Submission) -> float:
        """How long to wait when the caller does not say: not less than the work may take on a host."""
        deadline = deadline_of(self._operation, submission.request)
        return max(self._services.wait_s, deadline.total_seconds() + GRACE_S)

    async def _submission(self, exchange: Exchange, asked: options.Options) -> Submission:
        host, *names = [path_value(value) for value in exchange.values]
        target = targets.parse(host)
        request = self._reader.read(tuple(names), exchange.query, await self._body(exchange))
        caller = exchange.caller
        reach = caller.reach(self._operation.permission)
        resolution = self._services.fleet.resolve(
            target, reach if reach.is_limited else None, with_secrets=bool(masking.found_in(request))
        )
        return Submission(
            operation=self._operation,
            request=request,
            target=target,
            machine=resolution.machine,
            hosts=resolution.hosts,
            actor=Actor(caller.subject, caller.roles),
            dry_run=asked.dry_run,
            idempotency_key=asked.idempotency_key,
        )

    async def _body(self, exchange: Exchange) -> bytes | None:
        body = await exchange.body(self._services.body_limit) if self._has_body else None
        return None if self._may_be_query and not body else body

    async def _collect(self, ticket: Ticket, wait_s: float) -> Collected:
        try:
            return await self._services.jobs.wait(ticket, wait_s)
        except asyncio.CancelledError as stop:
            raise Unavailable(
                f"the controller is stopping; the job goes on, see GET /api/job/{ticket.job_id}",
                job_id=ticket.job_id,
            ) from stop
        except OsapiError as problem:
            problem.job_id = problem.job_id or ticket.job_id
            raise


def route(operation: Operation[Any, Any], services: NodeServices) -> Route:
    """The route of an operation."""
    method, path = operation.route
    endpoint = NodeEndpoint(operation, services)
    return Route(method=method, path=PREFIX + path, permission=operation.permission, serve=endpoint.serve)
