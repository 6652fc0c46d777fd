"""Server-sent events (WHATWG HTML, 9.2): one stream of events to one client.

A comment now and then keeps proxies from cutting a quiet stream. A stream ends when its source does, when
the client goes, and when the controller stops; the client then comes back with `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.types import Receive, Send

from osapi.contract.endpoint import ServerEvent
from osapi.contract.errors import ErrorBody, OsapiError
from osapi.controller.answer import Answer, start
from osapi.controller.exchange import gone

KEEP_ALIVE_S = 15.0
_TYPE = b"text/event-stream; charset=utf-8"
_UNBUFFERED = (b"x-accel-buffering", b"no")
"""nginx would hold events back otherwise."""
_RETRY = b"retry: 1000\n\n"
_COMMENT = b": still here\n\n"

_encode = msgspec.json.Encoder().encode


async def stream(
    answer: Answer, receive: Receive, send: Send, stopping: asyncio.Event, *, keep_alive_s: float = KEEP_ALIVE_S
) -> None:
    """Send the events of `answer` until they end, the client goes, or `stopping` is set."""
    if answer.events is None:
        raise ValueError("the answer is no stream")
    ends = [asyncio.create_task(gone(receive)), asyncio.create_task(_set(stopping))]
    try:
        await send(start(answer.status, (*answer.headers, _UNBUFFERED), _TYPE, None))
        await _write(send, _RETRY)
        async with aclosing(_blocks(answer.events, ends, keep_alive_s)) as blocks:
            async for block in blocks:
                await _write(send, block)
    finally:
        await _cancel(*ends)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def encode(event: ServerEvent) -> bytes:
    """One event as it goes over the wire. JSON holds no line breaks, so `data` is one line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.event.encode(), _encode(event.data))


async def _blocks(
    events: AsyncIterator[ServerEvent], ends: list[asyncio.Task[None]], keep_alive_s: float
) -> AsyncGenerator[bytes, None]:
    """The text to send, piece by piece, until there are no more events or one of `ends` is done."""
    following = asyncio.create_task(_next(events))
    try:
        while True:
            waiting: list[asyncio.Task[Any]] = [following, *ends]
            done, _ = await asyncio.wait(waiting, timeout=keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if following in done:
                if (event := following.result()) is None:
                    return
                yield encode(event)
                following = asyncio.create_task(_next(events))
            elif done:
                return
            else:
                yield _COMMENT
    except OsapiError as problem:
        body = ErrorBody(error=problem.message, code=problem.error_code, details=problem.details, job_id=problem.job_id)
        yield b"event: error\ndata: " + _encode(body) + b"\n\n"
    finally:
        await _cancel(following)
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _next(events: AsyncIterator[ServerEvent]) -> ServerEvent | None:
    return await anext(events, None)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _write(send: Send, block: bytes) -> None:
    await send({"type": "http.response.body", "body": block, "more_body": True})


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
