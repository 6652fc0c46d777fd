"""Draining: at once, for every kind of target, over restarts, and never at the cost of what was accepted."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.figures import figures
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually, lines_of

from osapi.transport.broker import Message

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

BEAT_S = 0.5


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Two agents whose heart beats quickly."""
    settings = {"agent": {"heartbeat_interval": f"{BEAT_S}s"}, "nats": {"registry": {"ttl": "3s"}}}
    async with installation(tmp_path_factory.mktemp("pair"), **settings) as made:
        for name in ("web-00", "web-01"):
            await made.stack.start_agent(name, labels={"group": "web"}, heartbeat_interval=f"{BEAT_S}s")
        await made.stack.until_registered(2)
        yield made


async def agent(found: Installation, name: str) -> dict[str, Any]:
    told: dict[str, Any] = (await found.admin.get(f"/api/agent/{name}")).json()
    return told


async def in_state(found: Installation, name: str, *states: str) -> dict[str, Any]:
    async def arrived() -> dict[str, Any] | None:
        told = await agent(found, name)
        return told if told["state"] in states else None

    return await eventually(arrived)  # type: ignore[return-value] # it is true


async def drain(found: Installation, name: str, reason: str = "") -> None:
    answer = await found.admin.post(f"/api/agent/{name}/drain", {"reason": reason})
    assert answer.status_code == 200, answer.text


async def undrain(found: Installation, name: str) -> None:
    answer = await found.admin.post(f"/api/agent/{name}/undrain")
    assert answer.status_code == 200, answer.text
    await in_state(found, name, "Ready")


@asynccontextmanager
async def beats(found: Installation, name: str) -> AsyncIterator[list[float]]:
    """When each heartbeat of an agent came, on the monotonic clock, in the order of arrival."""
    came: list[float] = []
    machine = found.agent(name).machine

    async def note(message: Message) -> None:
        if machine in message.subject:
            came.append(time.monotonic())

    async with found.broker() as broker:
        await broker.subscribe("$KV.agent-registry.>", note)
        await broker.flush()
        yield came


async def test_row_27_a_drain_during_a_long_job(pair: Installation) -> None:
    """The heartbeat goes on, nothing new is taken, and what is in hand ends."""
    effects = pair.folder / "long"
    job = await pair.admin.submit("web-00", f"sleep 3; echo done >> {effects}")
    await pair.admin.job_in(job, "processing")
    async with beats(pair, "web-00") as came:
        asked = time.monotonic()
        await drain(pair, "web-00", "new disk")
        refused = await pair.admin.shell("web-00", "true")
        refused_after = time.monotonic() - asked
        assert refused.status_code == 400
        assert "admin drained it" in refused.json()["error"]
        assert "(new disk)" in refused.json()["error"]
        assert set(by_host(await pair.admin.shell("_all", "true"))) == {"web-01"}
        assert set(by_host(await pair.admin.shell("group:web", "true"))) == {"web-01"}
        states: list[str] = []
        while (told := await agent(pair, "web-00"))["state"] != "Cordoned":
            states.append(told["state"])
            assert told["reachable"], "the heartbeat stopped"
            await asyncio.sleep(0.05)
        ended = time.monotonic()
    assert set(states) == {"Draining"}
    assert lines_of(effects) == ["done"]
    assert (await pair.admin.job(job))["status"] == "completed"
    gaps = (later - earlier for earlier, later in pairwise([asked, *came, ended]))
    missed = sum(max(0, int(gap / BEAT_S) - 1) for gap in gaps)
    figures("row 27", refused_after_s=round(refused_after, 3), beats=len(came), missed=missed, new_jobs=0)
    assert missed == 0
    await undrain(pair, "web-00")
    assert set(by_host(await pair.admin.shell("web-00", "true"))) == {"web-00"}


async def test_jobs_for_anybody_go_to_the_others(pair: Installation) -> None:
    await drain(pair, "web-01")
    await in_state(pair, "web-01", "Cordoned")
    answers = await asyncio.gather(*(pair.admin.shell("_any", "true") for _ in range(20)))
    assert {next(iter(by_host(answer))) for answer in answers} == {"web-00"}
    await undrain(pair, "web-01")


async def test_an_order_survives_the_agent_the_controller_and_both(pair: Installation) -> None:
    await drain(pair, "web-00")
    await in_state(pair, "web-00", "Cordoned")
    restarted = pair.agent("web-00")
    os.kill(restarted.pid, signal.SIGKILL)
    await pair.stack.gone(restarted.pid)
    await pair.restart_controller(signal.SIGKILL)
    await pair.stack.restart_agent(restarted)
    told = await in_state(pair, "web-00", "Cordoned")
    assert told["drained_by"] == "admin"
    await undrain(pair, "web-00")


async def test_an_agent_that_is_away_is_told_when_it_comes_back(pair: Installation) -> None:
    away = pair.agent("web-01")
    os.kill(away.pid, signal.SIGKILL)
    await pair.stack.gone(away.pid)
    await drain(pair, "web-01")
    await pair.stack.restart_agent(away)
    await in_state(pair, "web-01", "Cordoned")
    await undrain(pair, "web-01")


async def test_the_timeline_tells_each_transition_once(pair: Installation) -> None:
    seen = len((await agent(pair, "web-00")).get("timeline", []))
    await drain(pair, "web-00", "a look inside")
    await in_state(pair, "web-00", "Cordoned")

    async def noted() -> list[dict[str, Any]] | None:
        events = (await agent(pair, "web-00"))["timeline"][seen:]
        return events if any(event["event"] == "cordoned" for event in events) else None

    await eventually(noted)
    await undrain(pair, "web-00")
    events = (await agent(pair, "web-00"))["timeline"][seen:]
    assert [event["event"] for event in events] == ["drain", "cordoned", "undrain"]
    assert events[0]["message"] == "by admin: a look inside"
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert times == sorted(times)


async def test_what_makes_no_sense_is_refused(pair: Installation) -> None:
    assert (await pair.admin.post("/api/agent/web-00/undrain")).status_code == 409
    assert (await pair.admin.post("/api/agent/nobody/drain")).status_code == 404
    await drain(pair, "web-00")
    assert (await pair.admin.post("/api/agent/web-00/drain")).status_code == 409
    await undrain(pair, "web-00")
    async with pair.caller(pair.token("read")) as reader:
        assert (await reader.post("/api/agent/web-00/drain")).status_code == 403


async def test_the_command_waits_for_what_is_in_hand(pair: Installation) -> None:
    job = await pair.admin.submit("web-00", "sleep 2")
    await pair.admin.job_in(job, "processing")
    late = await pair.cli("agent", "drain", "--hostname", "web-00", "--wait", "--timeout", "0.2")
    assert late.status == 4
    assert "still has jobs in hand" in late.err
    await pair.admin.job_in(job, "completed")
    assert (await pair.cli("agent", "undrain", "--hostname", "web-00")).status == 0
    await in_state(pair, "web-00", "Ready")
    done = await pair.cli("agent", "drain", "--hostname", "web-00", "--wait", "--timeout", "20")
    assert done.status == 0
    assert (await agent(pair, "web-00"))["state"] == "Cordoned"
    await undrain(pair, "web-00")


async def test_a_host_that_is_gone_stays_listed_until_it_is_removed(pair: Installation) -> None:
    await pair.stack.start_agent("short", heartbeat_interval=f"{BEAT_S}s")
    await pair.stack.until_registered(3)
    gone = pair.agent("short")
    os.kill(gone.pid, signal.SIGKILL)
    await pair.stack.gone(gone.pid)
    killed = time.monotonic()

    async def unreachable() -> dict[str, Any] | None:
        told = await agent(pair, "short")
        noted = [event["event"] for event in told.get("timeline", [])]
        return told if not told["reachable"] and "unreachable" in noted else None

    await eventually(unreachable)
    figures("agent killed", seconds_to_unreachable=round(time.monotonic() - killed, 1), ttl_s=3)
    listed = (await pair.admin.get("/api/agent?reachable=false")).json()
    assert [one["hostname"] for one in listed["agents"]] == ["short"]
    removed = await pair.cli("agent", "delete", "--hostname", "short")
    assert removed.status == 0, removed.err

    async def forgotten() -> bool:
        return (await pair.admin.get("/api/agent/short")).status_code == 404

    await eventually(forgotten)
    pair.stack.agents.remove(gone)
