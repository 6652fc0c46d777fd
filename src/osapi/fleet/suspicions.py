"""What was said in the name of agents and not believed, for who reaches the host."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Call, Caller, Endpoint, Reply, Routes
from osapi.contract.ids import MachineId
from osapi.fleet.registry import Registry
from osapi.jobs.quarantine import Doubt, Quarantine, Saying, Suspect


class QuarantineRequest(msgspec.Struct, kw_only=True):
    """How much of the quarantine to show."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Most messages to return.")] = 100


class Suspicion(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message in an agent's name that was not believed."""

    timestamp: Annotated[datetime, Meta(description="When it was noticed.")]
    saying: Annotated[Saying, Meta(description="What it would have been.")]
    doubt: Annotated[Doubt, Meta(description="Why it was not believed.")]
    key: Annotated[str, Meta(description="Where in the broker it was.")]
    machine_id: Annotated[str, Meta(description="The host it claims to be of. Absent when it could not be read.")] = ""
    job_id: Annotated[str, Meta(description="The job it claims to be about. Absent for a heartbeat.")] = ""
    signed_by: Annotated[
        str, Meta(description="Fingerprint of the key that it claims to be signed by. Absent when it is not signed.")
    ] = ""


class QuarantineReport(msgspec.Struct, kw_only=True):
    """Messages that were not believed since this controller began. They have had no effect."""

    total: Annotated[int, Meta(description="How many there were, also those that are not kept any more.")]
    items: Annotated[list[Suspicion], Meta(description="The newest first.")]


QUARANTINE = Endpoint(
    operation_id="getAgentsQuarantine",
    method="GET",
    path="/api/agent/quarantine",
    permission="agent:read",
    summary="Show messages in the name of agents that were not believed.",
    tag="Agent",
    request=QuarantineRequest,
    response=QuarantineReport,
)


class SuspicionRoutes:
    """Serves the quarantine."""

    def __init__(self, registry: Registry, quarantine: Quarantine) -> None:
        self._registry = registry
        self._quarantine = quarantine

    async def list(self, call: Call) -> Reply:
        request: QuarantineRequest = call.request
        seen = [one for one in self._quarantine.newest if self._concerns(call.caller, one)]
        total = self._quarantine.counts.total() if call.caller.reaches({}) else len(seen)
        return Reply(body=QuarantineReport(total=total, items=[_shown(one) for one in seen[: request.limit]]))

    def _concerns(self, caller: Caller, suspect: Suspect) -> bool:
        """Whether it is in the name of a host that the caller reaches."""
        record = self._registry.machines().get(MachineId(suspect.machine))
        return caller.reaches({} if record is None else record.labels)


def routes(registry: Registry, quarantine: Quarantine) -> Routes:
    """The route with its handler."""
    return [(QUARANTINE, SuspicionRoutes(registry, quarantine).list)]


def _shown(suspect: Suspect) -> Suspicion:
    return Suspicion(
        timestamp=datetime.fromtimestamp(suspect.noticed, UTC),
        saying=suspect.saying,
        doubt=suspect.doubt,
        key=suspect.key,
        machine_id=suspect.machine,
        job_id=suspect.job,
        signed_by=suspect.signed_by,
    )
