"""Puts together what the chain tells about one entry: the entry itself and what was added later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from osapi.audit import record
from osapi.audit.api import AuditEntry
from osapi.audit.record import NOTHING, Addition, Entry, Job, Link, Outcome
from osapi.contract.errors import Forbidden
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger

PATIENCE = 2_000
"""Messages after which nothing is expected any more to be added to an entry, when all are read in a row."""

_log = get_logger(__name__)


@dataclass
class Story:
    """An entry in message `sequence`, and what was added to it."""

    sequence: int
    entry: Entry
    additions: list[Addition] = field(default_factory=list[Addition])

    @property
    def is_open(self) -> bool:
        """Whether the outcome is still to come, or the end of the job."""
        if self.entry.outcome is not None or any(one.states for one in self.additions):
            return False
        outcome = next((one.outcome for one in self.additions if one.outcome is not None), None)
        has_job = self.entry.job is not None or any(one.job is not None for one in self.additions)
        return outcome is None or record.goes_on(outcome, has_job=has_job)


def told(story: Story) -> AuditEntry:
    """The entry as the API shows it."""
    entry = story.entry
    request, job, outcome = entry.request, entry.job, entry.outcome
    for addition in story.additions:
        request = request if addition.request == NOTHING else addition.request
        job, outcome = addition.job or job, addition.outcome or outcome
    shown = AuditEntry(
        id=entry.id,
        timestamp=entry.timestamp,
        user=entry.user,
        roles=list(entry.roles),
        method=entry.method,
        path=entry.path,
        source_ip=entry.source_ip,
        response_code=0,
        duration_ms=0,
        kind=entry.kind,
        sequence=story.sequence,
        operation_id=entry.operation_id,
        trace_id=entry.trace_id,
        request_id=entry.request_id,
        token_id=entry.token_id,
        query=entry.query,
        request=msgspec.json.decode(request),
        count=entry.count,
        until=entry.until,
        remark=entry.remark,
    )
    _add_job(shown, job)
    _add_outcome(shown, outcome)
    for addition in story.additions:
        if addition.states:
            shown.host_states, shown.failed_hosts = dict(addition.states), list(addition.failed) or None
    return shown


def _add_job(shown: AuditEntry, job: Job | None) -> None:
    if job is None:
        return
    shown.job_id, shown.operation, shown.target = job.job_id, job.operation, job.target
    shown.hosts, shown.host_count, shown.dry_run = list(job.hosts) or None, job.host_count, job.dry_run


def _add_outcome(shown: AuditEntry, outcome: Outcome | None) -> None:
    if outcome is None:
        return
    shown.response_code, shown.duration_ms, shown.code = outcome.response_code, outcome.duration_ms, outcome.code
    shown.job_id = shown.job_id or outcome.job_id
    shown.host_states, shown.failed_hosts = dict(outcome.states) or None, list(outcome.failed) or None


def genuine(verifier: Verifier, messages: Mapping[int, bytes]) -> dict[int, Link]:
    """Those of the messages that a controller has signed; the others are left out and noted."""
    found: dict[int, Link] = {}
    for sequence, message in messages.items():
        try:
            found[sequence] = record.unseal(verifier, message)
        except Forbidden as problem:
            _log.error("security.audit_foreign", sequence=sequence, error=problem.message)
    return found


def find(links: Mapping[int, Link], places: Iterable[tuple[int, int]]) -> Story | None:
    """The story whose parts stand at these places, its entry first. None when that is gone."""
    parts = [
        (sequence, links[sequence].records[position])
        for sequence, position in places
        if sequence in links and position < len(links[sequence].records)
    ]
    if not parts:
        return None
    sequence, entry = parts[0]
    if not isinstance(entry, Entry):
        return None
    return Story(sequence, entry, [one for _, one in parts[1:] if isinstance(one, Addition)])


async def stories(messages: AsyncIterator[tuple[int, bytes]], verifier: Verifier) -> AsyncIterator[Story]:
    """Every story of the messages, in the order in which they became complete; few are in memory at a time."""
    waiting: dict[str, Story] = {}
    async for sequence, message in messages:
        for link in genuine(verifier, {sequence: message}).values():
            for story in _proceed(waiting, sequence, link):
                yield story
        for entry_id in [key for key, story in waiting.items() if story.sequence < sequence - PATIENCE]:
            yield waiting.pop(entry_id)
    for story in waiting.values():
        yield story


def _proceed(waiting: dict[str, Story], sequence: int, link: Link) -> Iterable[Story]:
    """Take in the records of a message; gives the stories that are complete with them."""
    complete: list[Story] = []
    for one in link.records:
        if isinstance(one, Entry):
            story = Story(sequence, one)
        else:
            known = waiting.pop(one.id, None)
            if known is None:
                continue
            story = known
            story.additions.append(one)
        if story.is_open:
            waiting[story.entry.id] = story
        else:
            complete.append(story)
    return complete
