"""Agents as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from osapi.contract import spoken
from osapi.contract.facts import HostDetails
from osapi.fleet.api import AgentInfo, AgentStatus, NodeCondition
from osapi.fleet.conditions import Condition
from osapi.fleet.models import DrainOrder, TimelineEvent
from osapi.fleet.registry import Agent


def info(agent: Agent, order: DrainOrder | None, timeline: Sequence[TimelineEvent] = ()) -> AgentInfo:
    """One agent; `order` is the one by which it is drained, None when it is not."""
    record, facts = agent.record, agent.facts
    return AgentInfo(
        **({name: getattr(facts, name) for name in HostDetails.__struct_fields__} if facts else {}),
        machine_id=record.machine_id,
        hostname=record.hostname,
        status=AgentStatus.READY if agent.ready else AgentStatus.NOT_READY,
        state=agent.state,
        reachable=agent.reachable,
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
        disk=record.disk,
        process=record.process,
        conditions=conditions(record.conditions),
        timeline=list(timeline),
        drained_by="" if order is None else order.actor.subject,
        drain_reason="" if order is None else order.reason,
        parts=record.parts,
        architecture=record.architecture,
        kernel_version=record.kernel_version,
        cpu_count=record.cpu_count,
    )


def conditions(found: Iterable[Condition]) -> list[NodeCondition]:
    """Conditions of a heartbeat."""
    return [
        NodeCondition(type=each.type, status=each.status, last_transition_time=each.since, reason=each.reason)
        for each in found
    ]
