"""Tells the story of one job from its facts: the detail that the API shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from osapi.contract.ids import MachineId
from osapi.jobs.api import AgentState, HostResponse, JobDetail, JobOperation, TimelineEvent
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.record import Ending, Event, Job, Response, StatusEvent
from osapi.jobs.store import JobFacts
from osapi.telemetry import tracing

_EVENT_TEXT = {
    Event.ACKNOWLEDGED: "taken in by the agent",
    Event.STARTED: "work began",
    Event.CANCEL_REQUESTED: "cancellation requested",
    Event.RETRIED: "run again as a new job",
}


def summary(entry: JobEntry, job: Job | None, *, with_data: bool) -> JobDetail:
    """One line of a list. `job` None (the record is being deleted) or `with_data` False hides the request."""
    data = _plain(job.request) if job is not None and with_data else None
    return JobDetail(
        id=entry.id,
        status=entry.status,
        created=moment(entry.created),
        operation=JobOperation(type=entry.operation, data=data),
        target=entry.target,
        actor=entry.actor,
        expires=moment(entry.expires),
        hosts=entry.expected,
        answered=entry.answered,
        dry_run=entry.dry_run,
        retry_of=entry.retry_of,
        changed=entry.changed(),
        error=entry.error,
        hostname=entry.last_host,
        updated_at=moment(entry.updated),
    )


def detail(entry: JobEntry, facts: JobFacts, now: float) -> JobDetail:
    """The whole story of one job."""
    told = summary(entry, facts.job, with_data=True)
    names = _labels(entry)
    responses = {response.machine_id: response for _, response in facts.responses}
    told.responses = {names[m]: _host_response(response) for m, response in responses.items() if m in names}
    told.agent_states = {
        name: _agent_state(entry, machine, responses.get(MachineId(machine)), now) for machine, name in names.items()
    }
    told.silent = sorted(entry.silent().values()) or None
    told.timeline = timeline(facts)
    told.trace_id = tracing.trace_id(facts.roster.trace) or None
    if entry.expected == 1 and len(responses) == 1:
        told.result = _plain(next(iter(responses.values())).data)
    return told


def timeline(facts: JobFacts) -> list[TimelineEvent]:
    """Every moment of a job in order of time."""
    return sorted(_moments(facts), key=lambda event: event.timestamp)


def _moments(facts: JobFacts) -> Iterator[TimelineEvent]:
    job = facts.job
    yield TimelineEvent(
        timestamp=job.issued,
        event="submitted",
        hostname="_api",
        message=f"{job.operation} for {job.target} by {job.actor.subject}",
    )
    seen: set[tuple[str, Event]] = set()
    for _, event in facts.events:
        seen.add((event.machine_id, event.event))
        yield _event_moment(event)
    for _, response in facts.responses:
        yield from _response_moments(response, seen)


def _event_moment(event: StatusEvent) -> TimelineEvent:
    return TimelineEvent(
        timestamp=event.timestamp,
        event=event.event.value,
        hostname=event.hostname,
        message=_EVENT_TEXT[event.event],
    )


def _response_moments(response: Response, seen: set[tuple[str, Event]]) -> Iterator[TimelineEvent]:
    told: list[tuple[Event, datetime | None]] = [
        (Event.ACKNOWLEDGED, response.received),
        (Event.STARTED, response.started),
    ]
    for event, when in told:
        if when is not None and (response.machine_id, event) not in seen:
            yield TimelineEvent(
                timestamp=when, event=event.value, hostname=response.hostname, message=_EVENT_TEXT[event]
            )
    yield TimelineEvent(
        timestamp=response.finished,
        event=response.ending.value,
        hostname=response.hostname,
        message=_ending_text(response),
        error=response.error,
    )


def _ending_text(response: Response) -> str:
    if response.ending is Ending.COMPLETED and response.changed is not None:
        return "completed, changed" if response.changed else "completed, nothing to change"
    return response.ending.value


def _host_response(response: Response) -> HostResponse:
    return HostResponse(
        status=response.ending.value,
        hostname=response.hostname,
        machine_id=response.machine_id,
        data=_plain(response.data),
        changed=response.changed,
        error=response.error,
        code=response.code,
    )


def _agent_state(entry: JobEntry, machine: str, response: Response | None, now: float) -> AgentState:
    note = entry.notes[machine]
    duration = None
    if response is not None and response.started is not None:
        duration = f"{(response.finished - response.started).total_seconds():.3f}s"
    return AgentState(
        status=entry.state_of(note, now).value,
        machine_id=machine,
        error=response.error if response is not None else None,
        duration=duration,
    )


def _labels(entry: JobEntry) -> dict[str, str]:
    """Name every host; those that share a name are told apart by their machine ids."""
    names = [note.hostname for note in entry.notes.values()]
    return {
        machine: note.hostname if names.count(note.hostname) == 1 else f"{note.hostname} ({machine})"
        for machine, note in entry.notes.items()
    }


def _plain(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw)
