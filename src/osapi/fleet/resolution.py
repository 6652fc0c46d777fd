"""From what a user typed to the fixed set of hosts that must answer. Pure: no clock, no broker.

A host counts when it is *ready*: it sends heartbeats, did not stop, and takes new work. The set is fixed
when the job is made; who joins later is never asked.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from osapi.contract import query
from osapi.contract.errors import Forbidden, Invalid
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.contract.query import Candidate, Verdict
from osapi.contract.target import AllTarget, AnyTarget, HostTarget, LabelTarget, QueryTarget, Target
from osapi.fleet.models import AgentRecord, AgentState, DrainOrder

Reach = Callable[[Mapping[str, str]], bool]
"""Whether the caller's roles reach a host with these labels."""

Judge = Callable[[AgentRecord], Verdict]
"""Whether a host is meant; None when too little is known of it."""

Choose = Callable[[Sequence[MachineId]], MachineId]

_SHOWS_HOSTS = "`osapi client agent list` shows the hosts there are"


class Fleet(Protocol):
    """What must be known of the agents to resolve a target."""

    def machines(self) -> Mapping[MachineId, AgentRecord]:
        """Every known agent, ready or not."""
        ...

    def named(self, hostname: str) -> frozenset[MachineId]:
        """The machine ids of all agents with this host name; empty when there is none."""
        ...

    def is_ready(self, machine: MachineId) -> bool:
        """Whether the agent is alive and takes new work."""
        ...

    def facts(self, machine: MachineId) -> HostFacts | None:
        """What the host has told of itself; None while it has not."""
        ...

    def order(self, machine: MachineId) -> DrainOrder | None:
        """The order by which the agent is drained; None when it is not."""
        ...


@dataclass(frozen=True)
class Resolution:
    """Whom a target means.

    `hosts` maps every host that must answer to its name, and is empty for `_any`, which any ready agent
    may take. `machine` is the one host that is meant, None for others. It is set for a host target, and for an `_any`
    that must not go to whoever takes it: that of a caller who may not reach every host, or one with secrets.
    `undecided` are hosts within reach that are left out because a query asks for facts which they have not told.
    """

    machine: MachineId | None
    hosts: dict[MachineId, str]
    undecided: dict[MachineId, str] = field(default_factory=dict[MachineId, str])


def resolve(
    target: Target, fleet: Fleet, reach: Reach | None, choose: Choose, *, with_secrets: bool = False
) -> Resolution:
    """Turn a target into the hosts it means. `reach` None means the caller may reach every host.

    `with_secrets` lets `_any` mean one host from the start, to whose key they can be sealed.

    Raises `Invalid` when nobody is meant: the host is unknown, ambiguous or not ready, or no ready host
    matches. Raises `Forbidden` when hosts are meant but the caller reaches none of them.
    """
    match target:
        case AnyTarget():
            return _any(target, fleet, reach, choose, with_secrets=with_secrets)
        case AllTarget():
            return _many(target, fleet, reach, lambda _: True)
        case LabelTarget():
            return _many(target, fleet, reach, lambda record: target.matches(record.labels))
        case HostTarget(name):
            return _one(find(name, fleet), fleet, reach)
        case QueryTarget():
            return _query(target, fleet, reach)


def find(name: str, fleet: Fleet) -> MachineId:
    """The agent of that machine id or host name. Of several with one name, the only one that is ready.

    Raises `Invalid` with similar names when there is none, and with the ids when there are several.
    """
    if MachineId(name) in fleet.machines():
        return MachineId(name)
    same = fleet.named(name)
    if not same:
        raise Invalid(f"there is no host {name!r} in the fleet{_close_to(name, fleet)}")
    candidates = [machine for machine in same if fleet.is_ready(machine)] or list(same)
    if len(candidates) > 1:
        ids = ", ".join(sorted(candidates))
        raise Invalid(f"{len(candidates)} hosts are named {name!r}; use a machine id instead: {ids}")
    return candidates[0]


def _one(machine: MachineId, fleet: Fleet, reach: Reach | None) -> Resolution:
    record = fleet.machines()[machine]
    if reach is not None and not reach(record.labels):
        raise Forbidden(f"your roles do not reach host {record.hostname} ({machine})")
    if not fleet.is_ready(machine):
        raise Invalid(f"host {record.hostname} ({machine}) is not ready: {_why_not(record, fleet.order(machine))}")
    return Resolution(machine, {machine: record.hostname})


def _any(target: AnyTarget, fleet: Fleet, reach: Reach | None, choose: Choose, *, with_secrets: bool) -> Resolution:
    if reach is None and not with_secrets:
        if not any(fleet.is_ready(machine) for machine in fleet.machines()):
            raise Invalid(_nobody(target, fleet))
        return Resolution(None, {})
    ready = _ready(fleet, lambda _: True)
    mine = _within(ready, fleet, reach, target)
    if len(mine) == len(ready) and not with_secrets:
        return Resolution(None, {})
    records = fleet.machines()
    able = [machine for machine in mine if records[machine].sealing_key] if with_secrets else []
    machine = choose(sorted(able or mine))
    return Resolution(machine, {machine: mine[machine]})


def _many(target: Target, fleet: Fleet, reach: Reach | None, judge: Judge) -> Resolution:
    return Resolution(None, _within(_ready(fleet, judge), fleet, reach, target))


def _query(target: QueryTarget, fleet: Fleet, reach: Reach | None) -> Resolution:
    """A host that is spelled out must exist, and if it is meant, it must be ready and within reach."""

    @functools.cache
    def verdict(machine: MachineId) -> Verdict:
        record = fleet.machines()[machine]
        return target.expression.verdict(Candidate(machine, record.hostname, record.labels, fleet.facts(machine)))

    def judge(record: AgentRecord) -> Verdict:
        return verdict(record.machine_id)

    for machine in [find(name, fleet) for name in query.names(target.expression)]:
        if verdict(machine):
            _one(machine, fleet, reach)
    undecided = _reached(_ready(fleet, lambda record: judge(record) is None), fleet, reach)
    try:
        return replace(_many(target, fleet, reach, judge), undecided=undecided)
    except Invalid as problem:
        if not undecided:
            raise
        raise Invalid(f"{problem.message}; ready hosts without facts so far: {len(undecided)}") from problem


def _ready(fleet: Fleet, judge: Judge) -> dict[MachineId, str]:
    return {
        machine: record.hostname
        for machine, record in fleet.machines().items()
        if fleet.is_ready(machine) and judge(record)
    }


def _within(ready: dict[MachineId, str], fleet: Fleet, reach: Reach | None, target: Target) -> dict[MachineId, str]:
    if not ready:
        raise Invalid(_nobody(target, fleet))
    mine = _reached(ready, fleet, reach)
    if not mine:
        raise Forbidden(f"your roles reach no host of target {target}")
    return mine


def _reached(hosts: dict[MachineId, str], fleet: Fleet, reach: Reach | None) -> dict[MachineId, str]:
    records = fleet.machines()
    return {machine: name for machine, name in hosts.items() if reach is None or reach(records[machine].labels)}


def _nobody(target: Target, fleet: Fleet) -> str:
    known = fleet.machines()
    if not known:
        return f"target {target}: no agent has joined the fleet yet; start one with 'osapi agent start'"
    if isinstance(target, LabelTarget):
        text = f"target {target}: no ready host has this label"
        values = sorted({record.labels[target.key] for record in known.values() if target.key in record.labels})
        known_values = f"known values of {target.key!r}: {', '.join(values[:5])}"
        return f"{text}; {known_values if values else _SHOWS_HOSTS}"
    if isinstance(target, QueryTarget):
        return f"target {target}: no ready host fits, of {len(known)} that are known; {_SHOWS_HOSTS}"
    return f"target {target}: none of the {len(known)} known agents is ready; {_SHOWS_HOSTS}"


def _why_not(record: AgentRecord, order: DrainOrder | None) -> str:
    if order is not None:
        reason = f" ({order.reason})" if order.reason else ""
        return (
            f"{order.actor.subject} drained it at {order.issued:%Y-%m-%d %H:%M:%S} UTC{reason};"
            f" 'osapi client agent undrain --hostname {record.hostname}' ends that"
        )
    if record.stopped:
        return f"its agent was stopped at {record.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
    if record.state is not AgentState.READY:
        return f"it is {record.state.value}"
    return f"its last heartbeat is of {record.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"


def _close_to(name: str, fleet: Fleet) -> str:
    names = {record.hostname for record in fleet.machines().values()}
    close = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; {_SHOWS_HOSTS}"
