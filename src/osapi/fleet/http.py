"""The agent routes: list, details, targets and facts, from memory. A caller sees the hosts that his roles reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from osapi.contract import fact_keys, spoken
from osapi.contract import target as targets
from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid, NotFound
from osapi.contract.fact_keys import BUILT_IN
from osapi.contract.facts import HostDetails
from osapi.contract.ids import MachineId
from osapi.contract.target import AllTarget, AnyTarget
from osapi.fleet import api
from osapi.fleet.api import AgentInfo, AgentList, AgentStatus, FactKeyEntry, FactKeys, TargetHost
from osapi.fleet.registry import Agent, Registry
from osapi.fleet.resolution import Reach, Resolution


class AgentRoutes:
    """Serves agents, and what can be said about them: whom a target means, which facts there are."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def list(self, call: Call) -> Reply:
        request: api.AgentListRequest = call.request
        agents = [agent for agent in self._registry.list() if call.caller.reaches(agent.record.labels)]
        if request.target is not None:
            meant = self._meant(request.target, call.caller.reaches).hosts
            agents = [agent for agent in agents if agent.record.machine_id in meant]
        return Reply(body=AgentList(agents=[info(agent) for agent in agents], total=len(agents)))

    async def get(self, call: Call) -> Reply:
        request: api.AgentRequest = call.request
        try:
            agent = self._registry.get(request.hostname)
        except Invalid as problem:
            raise NotFound(problem.message) from problem
        if not call.caller.reaches(agent.record.labels):
            raise Forbidden(f"your roles do not reach host {request.hostname}")
        return Reply(body=info(agent))

    async def target(self, call: Call) -> Reply:
        request: api.TargetRequest = call.request
        resolution = self._meant(request.target, _reach(call.caller, request.permission))
        body = api.TargetInfo(
            target=request.target,
            total=1 if request.target == str(AnyTarget()) else len(resolution.hosts),
            hosts=_hosts(resolution.hosts),
            undecided=_hosts(resolution.undecided),
        )
        return Reply(body=body)

    async def fact_keys(self, call: Call) -> Reply:
        built_in = [FactKeyEntry(key=one.key, description=one.description, builtin=True) for one in BUILT_IN.values()]
        agents = [agent for agent in self._registry.list() if call.caller.reaches(agent.record.labels)]
        hosts = Counter(key for agent in agents if agent.facts for key in fact_keys.custom_keys(agent.facts))
        custom = [
            FactKeyEntry(key=key, description=f"Custom fact of {_counted(count)}.", builtin=False)
            for key, count in sorted(hosts.items())
        ]
        return Reply(body=FactKeys(keys=[*built_in, *custom]))

    def _meant(self, text: str, reach: Reach) -> Resolution:
        """Whom a target means; for `_any` all those of which one would be taken."""
        target = targets.parse(text)
        everybody = AllTarget() if isinstance(target, AnyTarget) else target
        return self._registry.resolve(everybody, None if reach({}) else reach)


def routes(registry: Registry) -> Routes:
    """Every agent route with its handler."""
    serve = AgentRoutes(registry)
    return [
        (api.LIST, serve.list),
        (api.GET, serve.get),
        (api.TARGET, serve.target),
        (api.FACT_KEYS, serve.fact_keys),
    ]


def _reach(caller: Caller, permission: str | None) -> Reach:
    if permission is None:
        return caller.reaches
    if not caller.may(permission):
        raise Forbidden(f"you do not have the permission {permission}")
    return caller.reach(permission)


def _hosts(hosts: Mapping[MachineId, str]) -> list[TargetHost]:
    found = [TargetHost(hostname=name, machine_id=machine) for machine, name in hosts.items()]
    return sorted(found, key=lambda host: (host.hostname, host.machine_id))


def _counted(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def info(agent: Agent) -> AgentInfo:
    """One agent as the API shows it."""
    record, facts = agent.record, agent.facts
    return AgentInfo(
        **({name: getattr(facts, name) for name in HostDetails.__struct_fields__} if facts else {}),
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
