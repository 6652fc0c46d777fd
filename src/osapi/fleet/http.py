"""The agent routes: list and details, from memory. A caller sees the hosts that his roles reach."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract import spoken
from osapi.contract.endpoint import Call, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid, NotFound
from osapi.fleet import api
from osapi.fleet.api import AgentInfo, AgentList, AgentStatus
from osapi.fleet.registry import Agent, Registry


class AgentRoutes:
    """Serves agents."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def list(self, call: Call) -> Reply:
        agents = [info(agent) for agent in self._registry.list() if call.caller.reaches(agent.record.labels)]
        return Reply(body=AgentList(agents=agents, total=len(agents)))

    async def get(self, call: Call) -> Reply:
        request: api.AgentRequest = call.request
        try:
            agent = self._registry.get(request.hostname)
        except Invalid as problem:
            raise NotFound(problem.message) from problem
        if not call.caller.reaches(agent.record.labels):
            raise Forbidden(f"your roles do not reach host {request.hostname}")
        return Reply(body=info(agent))


def routes(registry: Registry) -> Routes:
    """Every agent route with its handler."""
    serve = AgentRoutes(registry)
    return [(api.LIST, serve.list), (api.GET, serve.get)]


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
        uptime=None if record.uptime_s is None else spoken.duration(timedelta(seconds=record.uptime_s)),
        os_info=record.os_info,
        load_average=record.load,
        memory=record.memory,
        architecture=record.architecture,
        kernel_version=record.kernel_version,
        cpu_count=record.cpu_count,
    )
