"""Streams of events: what is sent, and everything that ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.unit.controller.kit import Stage, Wire, bearer, stage, texts

from osapi.contract.endpoint import Call, Endpoint, Reply, ServerEvent
from osapi.contract.errors import Unavailable
from osapi.contract.operation import Nothing
from osapi.controller import sse
from osapi.controller.answer import Answer

pytestmark = pytest.mark.anyio

EVENTS = Endpoint(
    operation_id="GetThings",
    method="GET",
    path="/api/things",
    permission="job:read",
    summary="Follow things.",
    tag="Thing",
    request=Nothing,
    response=dict[str, int],
    stream=True,
)


class Source:
    """Events from a queue, and whether somebody still listens."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ServerEvent | Exception | None] = asyncio.Queue()
        self.open = False
        self.headers: dict[str, str] = {}

    async def events(self) -> AsyncIterator[ServerEvent]:
        self.open = True
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.open = False

    async def handle(self, call: Call) -> Reply:
        self.headers = dict(call.headers)
        return Reply(events=self.events())

    def put(self, number: int) -> None:
        self.queue.put_nowait(ServerEvent(id=str(number), event="tick", data={"n": number}))


async def started(played: Stage, **headers: str) -> tuple[Wire, asyncio.Task[None]]:
    wire = Wire("GET", "/api/things", b"", {"authorization": bearer("read"), **headers})
    return wire, asyncio.create_task(played.app(wire.scope, wire.receive, wire.send))  # type: ignore[arg-type]


def setting() -> tuple[Source, Stage]:
    source = Source()
    return source, stage(slices=[(EVENTS, source.handle)])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_events_are_sent_as_they_come() -> None:
    source, played = setting()
    wire, task = await started(played)
    blocks = texts(wire)
    assert await anext(blocks) == "retry: 1000\n\n"
    for number in (1, 2):
        source.put(number)
        assert await anext(blocks) == f'id: {number}\nevent: tick\ndata: {{"n":{number}}}\n\n'
    source.queue.put_nowait(None)
    assert [block async for block in blocks] == []
    await task


async def test_the_stream_says_what_it_is() -> None:
    source, played = setting()
    wire, task = await started(played)
    start = await wire.messages.get()
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-store"
    assert b"content-length" not in headers
    source.queue.put_nowait(None)
    await task


async def test_the_handler_hears_where_the_client_left_off() -> None:
    source, played = setting()
    _, task = await started(played, last_event_id="7-9")
    source.queue.put_nowait(None)
    await task
    assert source.headers["last-event-id"] == "7-9"


async def test_the_source_is_closed_when_the_client_goes() -> None:
    source, played = setting()
    wire, task = await started(played)
    await until(lambda: source.open)
    wire.gone.set()
    await task
    assert not source.open


async def test_the_source_is_closed_even_if_the_client_was_gone_before() -> None:
    source, played = setting()
    wire, task = await started(played)
    wire.gone.set()
    await task
    assert not source.open


async def test_the_stream_ends_when_the_controller_stops() -> None:
    source, played = setting()
    wire, task = await started(played)
    await until(lambda: source.open)
    played.stopping.set()
    await task
    assert not source.open
    assert [block async for block in texts(wire)] == ["retry: 1000\n\n"]


async def test_a_quiet_stream_shows_that_it_lives() -> None:
    source = Source()
    wire = Wire("GET", "/", b"", {})
    answer = Answer(200, events=source.events())
    stopping = asyncio.Event()
    task = asyncio.create_task(sse.stream(answer, wire.receive, wire.send, stopping, keep_alive_s=0.001))
    blocks = texts(wire)
    await anext(blocks)
    assert await anext(blocks) == ": still here\n\n"
    assert await anext(blocks) == ": still here\n\n"
    source.put(1)
    while (block := await anext(blocks)).startswith(":"):
        pass
    assert block.startswith("id: 1\n")
    stopping.set()
    await task


async def test_a_failure_of_the_source_is_an_event() -> None:
    source, played = setting()
    wire, task = await started(played)
    source.put(1)
    source.queue.put_nowait(Unavailable("the broker is away"))
    await task
    blocks = [block async for block in texts(wire)]
    assert blocks[-1] == 'event: error\ndata: {"error":"the broker is away","code":"unavailable"}\n\n'


async def test_a_stream_needs_its_permission() -> None:
    _, played = setting()
    answer = await played.call("GET", "/api/things", authorization=bearer(permissions=["node:read"]))
    assert answer.status == 403


async def test_head_of_a_stream_is_no_method() -> None:
    source, played = setting()
    answer = await played.call("HEAD", "/api/things", authorization=bearer("read"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert not source.open
