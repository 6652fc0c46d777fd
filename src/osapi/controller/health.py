"""Whether the controller lives, and whether it can work: for load balancers and supervisors, without a token."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from osapi.contract.endpoint import Call, Endpoint, Reply, Routes
from osapi.contract.operation import Nothing
from osapi.telemetry.metrics import Check, problems

_TAG = "Health"


class HealthResponse(msgspec.Struct):
    """The controller answers."""

    status: str


class ReadyResponse(msgspec.Struct, omit_defaults=True):
    """`status` is `ready` or `not_ready`; `error` then says why."""

    status: str
    error: str = ""


HEALTH = Endpoint(
    operation_id="GetHealth",
    method="GET",
    path="/api/health",
    permission=None,
    summary="Tell that the controller lives.",
    tag=_TAG,
    request=Nothing,
    response=HealthResponse,
)
READY = Endpoint(
    operation_id="GetHealthReady",
    method="GET",
    path="/api/health/ready",
    permission=None,
    summary="Tell whether the controller can take jobs; 503 when it cannot.",
    tag=_TAG,
    request=Nothing,
    response=ReadyResponse,
)


def routes(checks: Sequence[Check]) -> Routes:
    """The two probes. Readiness asks every check and is a matter of memory alone."""

    async def health(_: Call) -> Reply:
        return Reply(body=HealthResponse(status="ok"))

    async def ready(_: Call) -> Reply:
        if error := problems(checks):
            return Reply(body=ReadyResponse(status="not_ready", error=error), status=503)
        return Reply(body=ReadyResponse(status="ready"))

    return [(HEALTH, health), (READY, ready)]
