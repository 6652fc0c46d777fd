"""The agent routes: list, details, drain, undrain, remove. A caller sees the hosts that his roles reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Conflict, Forbidden, Invalid, NotFound
from osapi.contract.ids import MachineId
from osapi.contract.target import LabelTarget
from osapi.fleet import api
from osapi.fleet.api import AgentList, AgentStatus, Message
from osapi.fleet.conditions import ConditionType
from osapi.fleet.drains import Drains
from osapi.fleet.models import DrainOrder, TimelineEvent
from osapi.fleet.observer import DRAIN, UNDRAIN
from osapi.fleet.registry import Agent, Registry
from osapi.fleet.shown import info
from osapi.fleet.target_http import meant_by
from osapi.fleet.timeline import Timelines
from osapi.jobs.record import Actor

Forget = Callable[[MachineId], Awaitable[None]]


class AgentRoutes:
    """Serves agents."""

    def __init__(self, registry: Registry, drains: Drains, timelines: Timelines, forget: Forget) -> None:
        self._registry = registry
        self._drains = drains
        self._timelines = timelines
        self._forget = forget

    async def list(self, call: Call) -> Reply:
        request: api.AgentListRequest = call.request
        meant = None if request.target is None else meant_by(request.target, self._registry, call.caller.reaches).hosts
        found = [
            info(agent, self._drains.order(agent.record.machine_id))
            for agent in self._registry.list()
            if call.caller.reaches(agent.record.labels)
            and _matches(agent, request)
            and (meant is None or agent.record.machine_id in meant)
        ]
        return Reply(body=AgentList(agents=found, total=len(found)))

    async def get(self, call: Call) -> Reply:
        agent = self._find(call.request.hostname, call.caller)
        machine = agent.record.machine_id
        return Reply(body=info(agent, self._drains.order(machine), self._timelines.events(machine)))

    async def drain(self, call: Call) -> Reply:
        request: api.DrainRequest = call.request
        agent = self._find(request.hostname, call.caller)
        order = await self._drains.drain(agent.record.machine_id, _actor(call.caller), request.reason)
        await self._note(agent, DRAIN, order)
        return Reply(
            body=Message(message=f"{agent.record.hostname} finishes what it has in hand and takes nothing new")
        )

    async def undrain(self, call: Call) -> Reply:
        request: api.AgentRequest = call.request
        agent = self._find(request.hostname, call.caller)
        order = await self._drains.undrain(agent.record.machine_id, _actor(call.caller))
        await self._note(agent, UNDRAIN, order)
        return Reply(body=Message(message=f"{agent.record.hostname} takes work again"))

    async def delete(self, call: Call) -> Reply:
        request: api.DeleteRequest = call.request
        agent = self._find(request.hostname, call.caller)
        record = agent.record
        if agent.reachable and not request.force:
            raise Conflict(
                f"host {record.hostname} ({record.machine_id}) is reachable and would be cut off; stop its agent first, or use force"
            )
        for part in (self._forget, self._drains.forget, self._timelines.forget, self._registry.remove):
            await part(record.machine_id)
        return Reply(body=Message(message=f"{record.hostname} ({record.machine_id}) is removed"))

    def _find(self, name: str, caller: Caller) -> Agent:
        try:
            agent = self._registry.get(name)
        except Invalid as problem:
            raise NotFound(problem.message) from problem
        if not caller.reaches(agent.record.labels):
            raise Forbidden(f"your roles do not reach host {name}")
        return agent

    async def _note(self, agent: Agent, event: str, order: DrainOrder) -> None:
        told = f"by {order.actor.subject}" + (f": {order.reason}" if order.reason else "")
        await self._timelines.add(
            agent.record.machine_id,
            TimelineEvent(timestamp=order.issued, event=event, hostname=agent.record.hostname, message=told),
        )


def routes(registry: Registry, drains: Drains, timelines: Timelines, forget: Forget) -> Routes:
    """Every agent route with its handler. `forget` lets the machine be known by no key."""
    serve = AgentRoutes(registry, drains, timelines, forget)
    return [
        (api.LIST, serve.list),
        (api.GET, serve.get),
        (api.DRAIN, serve.drain),
        (api.UNDRAIN, serve.undrain),
        (api.DELETE, serve.delete),
    ]


def _actor(caller: Caller) -> Actor:
    return Actor(subject=caller.subject, roles=caller.roles)


def _matches(agent: Agent, request: api.AgentListRequest) -> bool:
    wanted = (
        (request.status, AgentStatus.READY if agent.ready else AgentStatus.NOT_READY),
        (request.state, agent.state),
        (request.reachable, agent.reachable),
    )
    if any(want is not None and want != have for want, have in wanted):
        return False
    return _has_condition(agent, request.condition) and _has_label(agent, request.label)


def _has_condition(agent: Agent, condition: ConditionType | None) -> bool:
    return condition is None or any(each.type is condition and each.status for each in agent.record.conditions)


def _has_label(agent: Agent, label: str | None) -> bool:
    if label is None:
        return True
    key, _, value = label.partition(":")
    return LabelTarget(key, value).matches(agent.record.labels)
