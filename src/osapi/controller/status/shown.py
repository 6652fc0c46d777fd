"""What was found, as the API shows it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import osapi
from osapi.contract import spoken
from osapi.controller.status.api import (
    AgentDetail,
    AgentStats,
    ComponentEntry,
    ConsumerDetail,
    ConsumerStats,
    JobStats,
    KvBucketInfo,
    NatsInfo,
    ObjectStoreInfo,
    StatusResponse,
    StoreInfo,
    StreamInfo,
)
from osapi.controller.status.look import Findings, Sources
from osapi.fleet.components import Component
from osapi.fleet.registry import Agent
from osapi.fleet.service import FleetService
from osapi.jobs.service import JobService
from osapi.jobs.status import JobStatus
from osapi.transport.layout import Layout
from osapi.transport.survey import Held, Space, Waiting

_FAILED = (JobStatus.FAILED, JobStatus.PARTIAL_FAILURE)


def told(sources: Sources, found: Findings) -> StatusResponse:
    """The whole answer; `degraded` when any component is in error."""
    fine = all(component.status == "ok" for component in found.components.values())
    survey, layout, held = sources.survey, sources.layout, found.held
    return StatusResponse(
        status="ok" if fine else "degraded",
        components=found.components,
        version=osapi.__version__,
        uptime=spoken.duration(timedelta(seconds=time.monotonic() - sources.started)),
        nats=NatsInfo(url=survey.server_url, version=survey.server_version) if survey.server_url else None,
        store=None if found.space is None else StoreInfo(**_space(found.space)),
        streams=None if held is None else _streams(held, layout),
        kv_buckets=None if held is None else _buckets(held, layout),
        object_stores=None if held is None else _stores(held, layout),
        jobs=_jobs(sources.jobs, found.letters),
        agents=_agents(sources.fleet),
        consumers=None if found.waiting is None else _consumers(found.waiting),
        registry=_registry(sources.fleet),
    )


def _space(space: Space) -> dict[str, int]:
    return {"used_bytes": space.used_bytes, **({"limit_bytes": space.limit_bytes} if space.limit_bytes else {})}


def _streams(held: Mapping[str, Held], layout: Layout) -> list[StreamInfo]:
    names = [layout.jobs.name, layout.dead_letters.name, layout.output.name]
    names += [layout.audit.name] if layout.audit else []
    return [
        StreamInfo(name=name, messages=one.messages, bytes=one.size_bytes, consumers=one.consumers)
        for name in names
        if (one := held.get(name)) is not None
    ]


def _buckets(held: Mapping[str, Held], layout: Layout) -> list[KvBucketInfo]:
    return [
        KvBucketInfo(name=bucket.name, keys=one.keys, bytes=one.size_bytes)
        for bucket in layout.buckets
        if (one := held.get(f"KV_{bucket.name}")) is not None
    ]


def _stores(held: Mapping[str, Held], layout: Layout) -> list[ObjectStoreInfo]:
    return [
        ObjectStoreInfo(name=store.name, size=one.size_bytes)
        for store in layout.objects
        if (one := held.get(f"OBJ_{store.name}")) is not None
    ]


def _jobs(jobs: JobService, letters: int | None) -> JobStats:
    counts = jobs.index.counts()

    def of(*states: JobStatus) -> int:
        return sum(counts.get(state.value, 0) for state in states)

    return JobStats(
        total=len(jobs.index),
        unprocessed=of(JobStatus.SUBMITTED),
        processing=of(JobStatus.PROCESSING),
        completed=of(JobStatus.COMPLETED),
        failed=of(*_FAILED),
        dlq=letters or 0,
        by_status=counts,
    )


def _agents(fleet: FleetService) -> AgentStats:
    agents = fleet.registry.list()
    ready = [agent for agent in agents if agent.ready]
    return AgentStats(
        total=len(agents),
        ready=len(ready),
        unreachable=sum(not agent.reachable for agent in agents),
        agents=[_detail(agent) for agent in ready],
    )


def _detail(agent: Agent) -> AgentDetail:
    labels = ", ".join(f"{key}={value}" for key, value in sorted(agent.record.labels.items()))
    return AgentDetail(hostname=agent.record.hostname, labels=labels, registered=agent.record.registered_at.isoformat())


def _consumers(waiting: list[Waiting]) -> ConsumerStats:
    return ConsumerStats(
        total=len(waiting),
        consumers=[
            ConsumerDetail(name=one.name, pending=one.pending, ack_pending=one.ack_pending, redelivered=one.redelivered)
            for one in waiting
        ],
    )


def _registry(fleet: FleetService) -> list[ComponentEntry]:
    now = datetime.now(UTC)
    programs = [_program(component, now) for component in fleet.components.list()]
    return [*programs, *(_agent(agent, now) for agent in fleet.registry.list())]


def _program(component: Component, now: datetime) -> ComponentEntry:
    record = component.record
    return ComponentEntry(
        type=record.kind.value,
        hostname=record.hostname,
        status="Ready" if component.reachable else "Unreachable",
        conditions=[condition.type.value for condition in record.conditions if condition.status],
        age=spoken.duration(now - record.started_at),
        cpu_percent=record.process.cpu_percent,
        mem_bytes=record.process.rss_bytes,
        last_seen_s=round(component.silent_s, 1),
        version=record.version,
        parts=record.parts,
    )


def _agent(agent: Agent, now: datetime) -> ComponentEntry:
    record, process = agent.record, agent.record.process
    return ComponentEntry(
        type="agent",
        hostname=record.hostname,
        status=agent.state.value if agent.reachable else "Unreachable",
        conditions=[condition.type.value for condition in record.conditions if condition.status],
        age=spoken.duration(now - record.started_at),
        cpu_percent=0.0 if process is None else process.cpu_percent,
        mem_bytes=0 if process is None else process.rss_bytes,
        last_seen_s=round(agent.silent_s, 1),
        version=record.version,
        parts=record.parts,
    )
