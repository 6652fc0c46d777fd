"""The agent routes. A caller sees the hosts that his roles reach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from osapi.contract import spoken
from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid, NotFound
from osapi.contract.ids import MachineId
from osapi.fleet import api
from osapi.fleet.api import AgentInfo, AgentList, AgentStatus, QuarantineReport, Suspicion
from osapi.fleet.registry import Agent, Registry
from osapi.jobs.quarantine import Quarantine, Suspect


class AgentRoutes:
    """Serves agents."""

    def __init__(self, registry: Registry, quarantine: Quarantine) -> None:
        self._registry = registry
        self._quarantine = quarantine

    async def list(self, call: Call) -> Reply:
        agents = [info(agent) for agent in self._registry.list() if call.caller.reaches(agent.record.labels)]
        return Reply(body=AgentList(agents=agents, total=len(agents)))

    async def get(self, call: Call) -> Reply:
        return Reply(body=info(self._agent(call)))

    async def forget(self, call: Call) -> Reply:
        await self._registry.forget(self._agent(call).record.machine_id)
        return Reply()

    async def quarantine(self, call: Call) -> Reply:
        request: api.QuarantineRequest = call.request
        seen = [one for one in self._quarantine.newest if self._concerns(call.caller, one)]
        total = sum(self._quarantine.counts.values()) if call.caller.reaches({}) else len(seen)
        return Reply(body=QuarantineReport(total=total, items=[_suspicion(one) for one in seen[: request.limit]]))

    def _agent(self, call: Call) -> Agent:
        request: api.AgentRequest = call.request
        try:
            agent = self._registry.get(request.hostname)
        except Invalid as problem:
            raise NotFound(problem.message) from problem
        if not call.caller.reaches(agent.record.labels):
            raise Forbidden(f"your roles do not reach host {request.hostname}")
        return agent

    def _concerns(self, caller: Caller, suspect: Suspect) -> bool:
        """Whether it is in the name of a host that the caller reaches."""
        record = self._registry.machines().get(MachineId(suspect.machine))
        return caller.reaches({} if record is None else record.labels)


def routes(registry: Registry, quarantine: Quarantine) -> Routes:
    """Every agent route with its handler."""
    serve = AgentRoutes(registry, quarantine)
    return [
        (api.LIST, serve.list),
        (api.QUARANTINE, serve.quarantine),
        (api.GET, serve.get),
        (api.FORGET, serve.forget),
    ]


def info(agent: Agent) -> AgentInfo:
    """One agent as the API shows it."""
    record = agent.record
    return AgentInfo(
        machine_id=record.machine_id,
        hostname=record.hostname,
        status=AgentStatus.READY if agent.ready else AgentStatus.NOT_READY,
        state=record.state,
        labels=record.labels,
        registered_at=record.registered_at,
        started_at=record.started_at,
        heartbeat_at=record.heartbeat_at,
        version=record.version,
        fingerprint=agent.fingerprint,
        uptime=None if record.uptime_s is None else spoken.duration(timedelta(seconds=record.uptime_s)),
        os_info=record.os_info,
        load_average=record.load,
        memory=record.memory,
        architecture=record.architecture,
        kernel_version=record.kernel_version,
        cpu_count=record.cpu_count,
    )


def _suspicion(suspect: Suspect) -> Suspicion:
    return Suspicion(
        timestamp=datetime.fromtimestamp(suspect.noticed, UTC),
        saying=suspect.saying,
        doubt=suspect.doubt,
        key=suspect.key,
        machine_id=suspect.machine,
        job_id=suspect.job,
        signed_by=suspect.signed_by,
    )
