"""Jobs and dead letters through the synchronous client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from osapi.jobs.api import (
    DeadLetterList,
    DeadLettersPurged,
    JobCreated,
    JobDetail,
    JobEvent,
    JobList,
)
from osapi.jobs.status import JobStatus
from osapi.sdk import calls
from osapi.sdk.events import ServerEvent, follow
from osapi.sdk.outputs import Outputs
from osapi.sdk.raw import RawClient
from osapi.sdk.request import Request
from osapi.sdk.wire import decode

T = TypeVar("T")
PATIENCE_S = 60.0


class EventsMissed(msgspec.Struct, frozen=True):
    """Told instead of an event when the controller no longer keeps what came before: list the jobs again."""

    reason: str


def job_filters(
    *,
    status: JobStatus | str | None,
    operation: str | None,
    target: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    offset: int | None,
    cursor: str | None,
) -> dict[str, Any]:
    """The query of a job list. Raises `ValueError` for times without a zone."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name}: {moment} has no time zone; use for example datetime.now(UTC)")
    return {
        "status": status.value if isinstance(status, JobStatus) else status,
        "operation": operation,
        "target": target,
        "actor": actor,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "limit": limit,
        "offset": offset,
        "cursor": cursor,
    }


def typed_event(event: ServerEvent) -> JobEvent | EventsMissed:
    """Read the data of an event. Raises `msgspec.DecodeError` when it has another shape."""
    if event.event == "reset":
        return msgspec.json.decode(event.data, type=EventsMissed)
    return msgspec.json.decode(event.data, type=JobEvent)


class Jobs:
    """The jobs of a controller. Every method raises what `Client` raises."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw
        self.dead_letters = DeadLetters(raw)
        self.outputs = Outputs(raw)

    def list(
        self,
        *,
        status: JobStatus | str | None = None,
        operation: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        offset: int | None = None,
        cursor: str | None = None,
    ) -> JobList:
        """One page of jobs, newest first; filters that are None match everything.

        `since` is included and `until` is not. `cursor` is `next_cursor` of the page before and replaces
        `offset`.
        """
        filters = job_filters(
            status=status,
            operation=operation,
            target=target,
            actor=actor,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
            cursor=cursor,
        )
        return _ask(self._raw, calls.job_list(**filters), JobList)

    def iterate(
        self,
        *,
        status: JobStatus | str | None = None,
        operation: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[JobDetail]:
        """Every job that matches, newest first, one page at a time. Jobs made meanwhile are not among them."""
        cursor = None
        while True:
            page = self.list(
                status=status,
                operation=operation,
                target=target,
                actor=actor,
                since=since,
                until=until,
                limit=page_size,
                cursor=cursor,
            )
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def get(self, job_id: str) -> JobDetail:
        """One job with its timeline and every answer."""
        return _ask(self._raw, calls.job_get(job_id), JobDetail)

    def delete(self, job_id: str) -> None:
        """Delete a job and all its traces; one that is under way is cancelled first."""
        self._raw.send(calls.job_delete(job_id))

    def retry(self, job_id: str, *, target: str | None = None, secrets: Mapping[str, str] | None = None) -> JobCreated:
        """Submit the same operation again as a new job; `target` None means where it ran before.

        `secrets` are those of the job, which nobody has kept, by their place in the request: `password`, or
        `secret_env/0` for the first of a list. Without them it raises `Invalid` whose details name them.
        """
        return _ask(self._raw, calls.job_retry(job_id, target, secrets), JobCreated)

    def cancel(self, job_id: str) -> JobCreated:
        """Stop a job on every host that has not finished it. Raises `Conflict` when it has ended."""
        return _ask(self._raw, calls.job_cancel(job_id), JobCreated)

    def watch(self, job_id: str, *, last_id: str = "", patience_s: float = PATIENCE_S) -> Iterator[JobEvent]:
        """Every event of a job, past ones first, until it is done.

        A connection that breaks is opened again where it ended. Raises `Unreachable` or `ServerError` when the
        controller stays away for `patience_s` seconds.
        """
        for event in follow(self._raw, job_id, last_id=last_id, patience_s=patience_s):
            typed = typed_event(event)
            if isinstance(typed, JobEvent):
                yield typed

    def events(self, *, last_id: str = "", patience_s: float = PATIENCE_S) -> Iterator[JobEvent | EventsMissed]:
        """The events of all jobs from now on, for ever. Otherwise like `watch`."""
        for event in follow(self._raw, None, last_id=last_id, patience_s=patience_s):
            yield typed_event(event)

    def wait(self, job_id: str, *, on_event: Callable[[JobEvent], object] | None = None) -> JobDetail:
        """Follow a job to its end and return it whole."""
        for event in self.watch(job_id):
            if on_event is not None:
                on_event(event)
        return self.get(job_id)


class DeadLetters:
    """Deliveries that came to nothing."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def list(self, *, limit: int | None = None) -> DeadLetterList:
        """The newest of them."""
        return _ask(self._raw, calls.dead_letter_list(limit), DeadLetterList)

    def replay(self, letter_id: int) -> JobCreated:
        """Submit the job again to the host it did not reach, and delete the letter."""
        return _ask(self._raw, calls.dead_letter_replay(letter_id), JobCreated)

    def purge(self, letter_id: int | None = None) -> int:
        """Delete one, or all when `letter_id` is None; return how many that were."""
        return _ask(self._raw, calls.dead_letter_purge(letter_id), DeadLettersPurged).purged


def _ask(raw: RawClient, request: Request, model: type[T]) -> T:
    answer: T = decode(raw.send(request), model)
    return answer
