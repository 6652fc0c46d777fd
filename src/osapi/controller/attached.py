"""A node operation answered as it happens: the events of its job, and at the end what a plain request is answered.

For a caller that asks for `text/event-stream`, and for a request that is followed. The last event is `answer`:
status and body as they would have come otherwise. A job that is followed is cancelled when its listener leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Protocol

import msgspec

from osapi.contract.endpoint import ServerEvent
from osapi.contract.errors import OsapiError
from osapi.contract.ids import JobId
from osapi.contract.operation import is_followed
from osapi.controller.answer import Answer
from osapi.controller.errors import answer_to
from osapi.controller.exchange import Exchange
from osapi.jobs.dispatcher import Collected, Submission, Ticket
from osapi.jobs.record import Actor

STREAM = "text/event-stream"
LAST = "answer"
"""Name of the last event."""
_DONE = frozenset({"done", "deleted"})


class Jobs(Protocol):
    """What is needed of `jobs.service.JobService`."""

    async def wait(self, ticket: Ticket, timeout_s: float, /) -> Collected: ...

    async def cancel(self, job: JobId, actor: Actor, /) -> None: ...

    def events(self, job: JobId, /) -> AsyncGenerator[ServerEvent, None]: ...


def is_wanted(exchange: Exchange, request: msgspec.Struct) -> bool:
    """Whether the answer is to be a stream of events."""
    return is_followed(request) or STREAM in (exchange.header(b"accept") or "")


async def events(
    jobs: Jobs, ticket: Ticket, submission: Submission, wait_s: float, answer_of: Callable[[Collected], Answer]
) -> AsyncIterator[ServerEvent]:
    """The events of a job for `wait_s` seconds at most, then the answer."""
    told, ended = "", False
    try:
        async with aclosing(jobs.events(ticket.job_id)) as happening:
            async for event in _for_a_while(happening, wait_s):
                told, ended = event.id, event.event in _DONE
                yield event
        answer = _answer(answer_of, await jobs.wait(ticket, 0.0))
        yield ServerEvent(id=told, event=LAST, data={"status": answer.status, "body": msgspec.Raw(answer.body)})
    finally:
        if is_followed(submission.request) and not ended:
            with suppress(OsapiError):  # it has ended meanwhile, or it will when its time is over
                await jobs.cancel(ticket.job_id, submission.actor)


async def _for_a_while(happening: AsyncIterator[ServerEvent], wait_s: float) -> AsyncIterator[ServerEvent]:
    """Up to the end, or until the time is over."""
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    with suppress(StopAsyncIteration, TimeoutError):
        while True:
            yield await asyncio.wait_for(anext(happening), until - clock())


def _answer(answer_of: Callable[[Collected], Answer], collected: Collected) -> Answer:
    try:
        return answer_of(collected)
    except OsapiError as problem:
        return answer_to(problem)
