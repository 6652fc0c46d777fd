"""An operation answered as it happens, and a job that lasts only as long as somebody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controller.kit import JOB, Stage, Wire, bearer, response, stage, texts

from osapi.contract.endpoint import ServerEvent
from osapi.contract.errors import Conflict
from osapi.jobs.record import Ending

pytestmark = pytest.mark.anyio

SHELL = "/api/node/host-a/command/shell"
LOG = "/api/node/host-a/log?follow=true"
BODY = b'{"command":"true"}'


async def ask(
    played: Stage, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[Wire, asyncio.Task[None]]:
    wire = Wire(method, path, body, {"authorization": bearer("admin"), **headers})
    return wire, asyncio.create_task(played.app(wire.scope, wire.receive, wire.send))  # type: ignore[arg-type]


async def run(played: Stage) -> tuple[Wire, asyncio.Task[None]]:
    return await ask(played, "POST", SHELL, BODY, accept="text/event-stream")


def happen(played: Stage, *names: str) -> None:
    for name in names:
        played.jobs.happens.put_nowait(ServerEvent(id=f"id-{name}", event=name, data={}))


async def told(wire: Wire) -> list[tuple[str, Any]]:
    blocks = [block.splitlines() async for block in texts(wire) if not block.startswith(("retry", ":"))]
    return [(lines[1].removeprefix("event: "), json.loads(lines[2].removeprefix("data: "))) for lines in blocks]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_events_come_first_and_the_usual_answer_last() -> None:
    played = stage()
    played.jobs.answers = [response("a", {"stdout": "x", "exit_code": 0}, changed=True)]
    wire, task = await run(played)
    happen(played, "submitted", "output", "completed", "done")
    await task
    *events, (last, answer) = await told(wire)
    assert [name for name, _ in events] == ["submitted", "output", "completed", "done"]
    assert (last, answer["status"], answer["body"]["job_id"]) == ("answer", 202, JOB)
    assert [entry["stdout"] for entry in answer["body"]["results"]] == ["x"]
    assert played.jobs.cancelled == []


async def test_a_refusal_of_the_one_host_is_the_answer() -> None:
    played = stage()
    played.jobs.answers = [response("a", ending=Ending.FAILED, error="no such thing", code="not_found")]
    wire, task = await run(played)
    happen(played, "done")
    await task
    _, answer = (await told(wire))[-1]
    assert (answer["status"], answer["body"]["code"]) == (404, "not_found")


async def test_when_the_time_is_over_the_silent_are_told() -> None:
    played = stage()
    wire, task = await ask(played, "POST", f"{SHELL}?wait=0.05", BODY, accept="text/event-stream")
    happen(played, "submitted")
    await task
    assert [name for name, _ in await told(wire)] == ["submitted", "answer"]
    assert played.jobs.listeners == 0
    assert played.jobs.cancelled == []


async def test_who_leaves_a_command_leaves_it_running() -> None:
    played = stage()
    wire, task = await run(played)
    await until(lambda: played.jobs.listeners == 1)
    wire.gone.set()
    await task
    assert (played.jobs.listeners, played.jobs.cancelled) == (0, [])


async def test_what_is_followed_is_a_stream_without_being_asked_for_one() -> None:
    played = stage()
    wire, task = await ask(played, "GET", LOG)
    happen(played, "output", "done")
    await task
    assert [name for name, _ in await told(wire)] == ["output", "done", "answer"]
    assert played.jobs.cancelled == []


@pytest.mark.parametrize("leave", ["client", "controller"])
async def test_what_is_followed_is_cancelled_when_nobody_listens_any_more(leave: str) -> None:
    played = stage()
    wire, task = await ask(played, "GET", LOG)
    await until(lambda: played.jobs.listeners == 1)
    (wire.gone if leave == "client" else played.stopping).set()
    await task
    assert (played.jobs.listeners, played.jobs.cancelled) == (0, [JOB])


async def test_what_is_followed_is_cancelled_when_the_wait_is_over() -> None:
    played = stage()
    wire, task = await ask(played, "GET", f"{LOG}&wait=0.05")
    await task
    assert [name for name, _ in await told(wire)] == ["answer"]
    assert played.jobs.cancelled == [JOB]


async def test_a_job_that_has_just_ended_need_not_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage()

    async def ended(*_: object) -> None:
        raise Conflict("it has ended")

    monkeypatch.setattr(played.jobs, "cancel", ended)
    wire, task = await ask(played, "GET", LOG)
    await until(lambda: played.jobs.listeners == 1)
    wire.gone.set()
    await task


async def test_who_does_not_wait_is_told_the_job_only() -> None:
    played = stage()
    answer = await played.call("GET", f"{LOG}&wait=0", authorization=bearer("admin"))
    assert (answer.status, answer.json["job_id"]) == (202, JOB)
