"""Jobs and dead letters through the asynchronous client; see `jobs`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar

from osapi.jobs.api import DeadLetterList, DeadLettersPurged, JobCreated, JobDetail, JobEvent, JobList
from osapi.jobs.status import JobStatus
from osapi.sdk import calls
from osapi.sdk.aio_outputs import AsyncOutputs
from osapi.sdk.aio_raw import AsyncRawClient, follow
from osapi.sdk.jobs import PATIENCE_S, EventsMissed, job_filters, typed_event
from osapi.sdk.request import Request
from osapi.sdk.wire import decode

T = TypeVar("T")


class AsyncJobs:
    """The jobs of a controller."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw
        self.dead_letters = AsyncDeadLetters(raw)
        self.outputs = AsyncOutputs(raw)

    async def list(
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
        """One page of jobs, newest first; see `Jobs.list`."""
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
        return await _ask(self._raw, calls.job_list(**filters), JobList)

    async def iterate(
        self,
        *,
        status: JobStatus | str | None = None,
        operation: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[JobDetail]:
        """Every job that matches, newest first, one page at a time. Jobs made meanwhile are not among them."""
        cursor = None
        while True:
            page = await self.list(
                status=status,
                operation=operation,
                target=target,
                actor=actor,
                since=since,
                until=until,
                limit=page_size,
                cursor=cursor,
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get(self, job_id: str) -> JobDetail:
        """One job with its timeline and every answer."""
        return await _ask(self._raw, calls.job_get(job_id), JobDetail)

    async def delete(self, job_id: str) -> None:
        """Delete a job and all its traces; one that is under way is cancelled first."""
        await self._raw.send(calls.job_delete(job_id))

    async def retry(
        self, job_id: str, *, target: str | None = None, secrets: Mapping[str, str] | None = None
    ) -> JobCreated:
        """Submit the same operation again as a new job; `target` None means where it ran before.

        `secrets` are those of the job, which nobody has kept, by their place in the request: `password`, or
        `secret_env/0` for the first of a list. Without them it raises `Invalid` whose details name them.
        """
        return await _ask(self._raw, calls.job_retry(job_id, target, secrets), JobCreated)

    async def cancel(self, job_id: str) -> JobCreated:
        """Stop a job on every host that has not finished it. Raises `Conflict` when it has ended."""
        return await _ask(self._raw, calls.job_cancel(job_id), JobCreated)

    async def watch(self, job_id: str, *, last_id: str = "", patience_s: float = PATIENCE_S) -> AsyncIterator[JobEvent]:
        """Every event of a job, past ones first, until it is done; see `Jobs.watch`."""
        async with aclosing(follow(self._raw, job_id, last_id=last_id, patience_s=patience_s)) as events:
            async for event in events:
                typed = typed_event(event)
                if isinstance(typed, JobEvent):
                    yield typed

    async def events(
        self, *, last_id: str = "", patience_s: float = PATIENCE_S
    ) -> AsyncIterator[JobEvent | EventsMissed]:
        """The events of all jobs from now on, for ever."""
        async with aclosing(follow(self._raw, None, last_id=last_id, patience_s=patience_s)) as events:
            async for event in events:
                yield typed_event(event)

    async def wait(self, job_id: str, *, on_event: Callable[[JobEvent], object] | None = None) -> JobDetail:
        """Follow a job to its end and return it whole."""
        async for event in self.watch(job_id):
            if on_event is not None:
                on_event(event)
        return await self.get(job_id)


class AsyncDeadLetters:
    """Deliveries that came to nothing."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self, *, limit: int | None = None) -> DeadLetterList:
        """The newest of them."""
        return await _ask(self._raw, calls.dead_letter_list(limit), DeadLetterList)

    async def replay(self, letter_id: int) -> JobCreated:
        """Submit the job again to the host it did not reach, and delete the letter."""
        return await _ask(self._raw, calls.dead_letter_replay(letter_id), JobCreated)

    async def purge(self, letter_id: int | None = None) -> int:
        """Delete one, or all when `letter_id` is None; return how many that were."""
        return (await _ask(self._raw, calls.dead_letter_purge(letter_id), DeadLettersPurged)).purged


async def _ask(raw: AsyncRawClient, request: Request, model: type[T]) -> T:
    answer: T = decode(await raw.send(request), model)
    return answer
