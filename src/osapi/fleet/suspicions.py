"""What was said in the name of agents and not believed, for who reaches the host."""

from __future__ import annotations

from datetime import UTC, datetime

from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.ids import MachineId
from osapi.fleet.api import QUARANTINE, QuarantineReport, QuarantineRequest, Suspicion
from osapi.fleet.registry import Registry
from osapi.jobs.quarantine import Quarantine, Suspect


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
