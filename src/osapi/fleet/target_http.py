"""The routes about targets and facts: whom a target means, which facts there are. From memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from osapi.contract import fact_keys
from osapi.contract import target as targets
from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden
from osapi.contract.fact_keys import BUILT_IN
from osapi.contract.ids import MachineId
from osapi.contract.target import AllTarget, AnyTarget
from osapi.fleet import target_api as api
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Reach, Resolution
from osapi.fleet.target_api import FactKeyEntry, FactKeys, TargetHost, TargetInfo


class TargetRoutes:
    """Serves what can be said about hosts before anything is asked of them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def target(self, call: Call) -> Reply:
        request: api.TargetRequest = call.request
        found = meant_by(request.target, self._registry, _reach(call.caller, request.permission))
        body = TargetInfo(
            target=request.target,
            total=1 if request.target == str(AnyTarget()) else len(found.hosts),
            hosts=_hosts(found.hosts),
            undecided=_hosts(found.undecided),
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


def routes(registry: Registry) -> Routes:
    """Every route with its handler."""
    serve = TargetRoutes(registry)
    return [(api.TARGET, serve.target), (api.FACT_KEYS, serve.fact_keys)]


def meant_by(text: str, registry: Registry, reach: Reach) -> Resolution:
    """Whom a target means; for `_any` all those of which one would be taken. Raises `Invalid` and `Forbidden`."""
    target = targets.parse(text)
    everybody = AllTarget() if isinstance(target, AnyTarget) else target
    return registry.resolve(everybody, None if reach({}) else reach)


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
