"""What is wrong at this moment, from what the controller knows of hosts, programs, jobs, the audit and enrolments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from osapi.fleet.components import Component, Components
from osapi.fleet.conditions import Condition
from osapi.fleet.enrolment.records import Pending
from osapi.fleet.models import AgentRecord
from osapi.fleet.registry import Agent, Registry
from osapi.jobs.entry import JobEntry
from osapi.jobs.status import JobStatus
from osapi.notify.models import AGENT_PENDING, AUDIT_BROKEN, JOB_FAILED, UNREACHABLE, Finding, View
from osapi.telemetry.metrics import Check

BAD = frozenset(JobStatus) - {
    JobStatus.SUBMITTED,
    JobStatus.PROCESSING,
    JobStatus.COMPLETED,
    JobStatus.SKIPPED,
    JobStatus.CANCELLED,
}
JOBS_S = 24 * 3600.0
"""How long after its end a failed job is still told, if nobody could tell it before."""
MOST_JOBS = 10_000


class FailedJobs:
    """Jobs that ended badly within `JOBS_S`, the newest `MOST_JOBS` of them."""

    def __init__(self) -> None:
        self._ended: dict[str, Finding] = {}

    def note(self, entry: JobEntry) -> None:
        """Take in a job that has ended."""
        if entry.status not in BAD:
            return
        counts = f"{entry.operation} on {entry.target}: {entry.status.value}"
        self._ended[entry.id] = Finding(
            key=f"job.{entry.id}",
            condition=JOB_FAILED,
            subject="",
            name=f"job {entry.id}",
            reason=f"{counts}, {entry.error[:200]}" if entry.error else counts,
            since=entry.updated,
        )
        if len(self._ended) > MOST_JOBS:
            del self._ended[next(iter(self._ended))]

    def findings(self, now: float) -> Sequence[Finding]:
        """Those of which people may have to be told."""
        for job in [job for job, each in self._ended.items() if each.since < now - JOBS_S]:
            del self._ended[job]
        return list(self._ended.values())


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Where findings come from. `unjudged` names the conditions of which nothing can be said yet, after a start or a gap."""

    registry: Registry
    components: Components
    jobs: FailedJobs
    audit: Mapping[str, Check]
    pending: Callable[[], Sequence[Pending]]
    unjudged: Callable[[], frozenset[str]]
    ttl_s: float
    now: Callable[[], float]

    def view(self) -> View:
        """All that is wrong now."""
        agents, programs = self.registry.list(), self.components.list()
        found = [
            *(each for agent in agents for each in of_agent(agent, self.ttl_s, self.now())),
            *(each for program in programs for each in of_program(program, self.now())),
            *self.jobs.findings(self.now()),
            *of_audit(self.audit, self.now()),
            *map(of_pending, self.pending()),
        ]
        return View(
            findings={each.key: each for each in found},
            known=frozenset([*map(_machine, agents), *(each.record.name for each in programs)]),
            unjudged=self.unjudged(),
        )


def of_agent(agent: Agent, ttl_s: float, now: float) -> Iterator[Finding]:
    """What is wrong with an agent. One that ended in good order is missed after the same time as one that fell silent.

    Of one that is not heard of nothing is said but that: its last conditions are as they were, whatever they are now.
    """
    record = agent.record
    if agent.silent_s > ttl_s:
        last = f"last heard of at {record.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
        reason = f"stopped in good order, {last}" if record.stopped else last
        yield _about(record, UNREACHABLE, reason, now - agent.silent_s)
    for condition in held(record.conditions):
        yield _about(record, condition.type.value, condition.reason, condition.since.timestamp())


def of_program(program: Component, now: float) -> Iterator[Finding]:
    """What is wrong with a controller or a broker."""
    record = program.record
    kind, key = record.kind.value, f"{record.kind.value}.{record.name}"
    name = f"{kind} {record.name}"
    if not program.reachable:
        reason = f"last heard of at {record.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
        since = now - program.silent_s
        yield Finding(
            key=f"{key}.{UNREACHABLE}",
            condition=UNREACHABLE,
            subject=record.name,
            name=name,
            reason=reason,
            since=since,
        )
    for each in held(record.conditions):
        yield Finding(
            key=f"{key}.{each.type.value}",
            condition=each.type.value,
            subject=record.name,
            name=name,
            reason=each.reason,
            since=each.since.timestamp(),
        )


def of_audit(checks: Mapping[str, Check], now: float) -> Iterator[Finding]:
    """What is wrong with the audit: it cannot be written, or something of it is gone or altered."""
    for name, check in checks.items():
        if (problem := check()) is not None:
            yield Finding(key=f"audit.{name}", condition=AUDIT_BROKEN, subject="", name=name, reason=problem, since=now)


def of_pending(agent: Pending) -> Finding:
    """An agent that waits for somebody to accept it."""
    return Finding(
        key=f"pending.{agent.machine_id}.{agent.fingerprint}",
        condition=AGENT_PENDING,
        subject=agent.machine_id,
        name=agent.hostname,
        reason=f"asks to be enrolled with the key {agent.fingerprint}",
        since=agent.requested_at.timestamp(),
    )


def held(conditions: Sequence[Condition]) -> list[Condition]:
    """Those that hold."""
    return [each for each in conditions if each.status]


def _about(record: AgentRecord, condition: str, reason: str, since: float) -> Finding:
    return Finding(
        key=f"agents.{record.machine_id}.{condition}",
        condition=condition,
        subject=record.machine_id,
        name=record.hostname,
        labels=record.labels,
        reason=reason,
        since=since,
    )


def _machine(agent: Agent) -> str:
    return agent.record.machine_id
