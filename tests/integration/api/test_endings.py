"""How jobs end before their time: cancelled, deleted, out of time, too much output, too many at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.integration.api.conftest import ROLES, installation
from tests.integration.api.kit import Installation, by_host, eventually, lines_of, nap, paused, running

from osapi.transport.broker import Broker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SHELL = "/api/node/{}/command/shell"


@pytest.fixture(scope="module")
async def narrow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One agent that does two things at once."""
    settings = {"agent": {"max_jobs": 2}, "controller": {"api": {"security": {"roles": ROLES}}}}
    async with installation(tmp_path_factory.mktemp("narrow"), **settings) as made:
        await made.stack.start_agent("web-00", labels={"group": "web"})
        await made.stack.until_registered(1)
        yield made


async def begun(words: str, times: int = 1) -> None:
    """Wait until a program runs, so many times at least."""

    async def there() -> bool:
        return len(running(words)) >= times

    await eventually(there)


async def ended(words: str, within_s: float) -> None:
    """Wait until nothing of a program is left."""

    async def gone() -> bool:
        return not running(words)

    await eventually(gone, within_s)


async def cancel(found: Installation, job_id: str) -> None:
    answer = await found.admin.post(f"/api/job/{job_id}/cancel")
    assert (answer.status_code, answer.json()) == (202, {"job_id": job_id, "status": "cancel_requested"})


# -- cancelled ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["{}", "{0} & {0} & wait", "trap '' TERM; {}", "setsid {}; true"])
async def test_cancelling_ends_everything_that_was_started(fleet: Installation, command: str) -> None:
    sleep = nap()
    job_id = await fleet.admin.submit("web-00", command.format(sleep), timeout=300)
    await begun(sleep)
    await cancel(fleet, job_id)
    await ended(sleep, within_s=3)
    job = await fleet.admin.job_in(job_id, "cancelled")
    assert job["responses"]["web-00"]["code"] == "cancelled"
    assert [event["event"] for event in job["timeline"]][-2:] == ["cancel_requested", "cancelled"]


async def test_cancelling_a_broadcast_ends_it_on_every_host(fleet: Installation) -> None:
    sleep = nap()
    job_id = await fleet.admin.submit("group:web", sleep, timeout=300)
    await begun(sleep, times=2)
    await cancel(fleet, job_id)
    await ended(sleep, within_s=3)
    job = await fleet.admin.job_in(job_id, "cancelled")
    assert {one["status"] for one in job["responses"].values()} == {"cancelled"}


async def test_whoever_waits_for_a_cancelled_job_is_told_at_once(fleet: Installation) -> None:
    sleep = nap()
    waiting = asyncio.create_task(fleet.admin.shell("web-00", sleep, timeout=60))
    await begun(sleep)
    [item] = (await fleet.admin.get("/api/job?limit=1")).json()["items"]
    await cancel(fleet, item["id"])
    async with asyncio.timeout(10):
        answer = await waiting
    entry = by_host(answer)["web-00"]
    assert (answer.status_code, entry["status"], entry["code"]) == (202, "failed", "cancelled")


async def test_what_has_ended_cannot_be_cancelled(fleet: Installation) -> None:
    job_id = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
    answer = await fleet.admin.post(f"/api/job/{job_id}/cancel")
    assert (answer.status_code, answer.json()["code"], answer.json()["job_id"]) == (409, "conflict", job_id)
    assert (await fleet.admin.job(job_id))["status"] == "completed"


@pytest.mark.parametrize("target", ["web-00", "_any", "_all"])
async def test_a_job_can_be_cancelled_as_soon_as_it_is_accepted(fleet: Installation, target: str) -> None:
    sleep = nap()

    async def one() -> str:
        job_id = await fleet.admin.submit(target, sleep, timeout=300)
        await cancel(fleet, job_id)
        return job_id

    for job_id in await asyncio.gather(*(one() for _ in range(5))):
        await fleet.admin.job_in(job_id, "cancelled")
    await ended(sleep, within_s=3)


@pytest.mark.parametrize("target", ["web-00", "_any"])
async def test_what_waits_for_its_turn_never_begins_once_it_is_cancelled(
    narrow: Installation, target: str, tmp_path: Path
) -> None:
    effect = tmp_path / "effect"
    sleep = nap()
    busy = [await narrow.admin.submit("web-00", sleep, timeout=300) for _ in range(2)]
    await begun(sleep, times=2)
    job_id = await narrow.admin.submit(target, f"touch {effect}")
    await cancel(narrow, job_id)
    if target == "web-00":
        await narrow.admin.job_in(job_id, "cancelled")
    for each in busy:
        await cancel(narrow, each)
    job = await narrow.admin.job_in(job_id, "cancelled")
    assert "started" not in [event["event"] for event in job["timeline"]]
    assert not effect.exists()
    for each in busy:
        await narrow.admin.job_in(each, "cancelled")
    assert by_host(await narrow.admin.shell("web-00", "true"))["web-00"]["status"] == "ok", "its places are free again"


# -- deleted -----------------------------------------------------------------------------------


async def keys_of(found: Installation, job_id: str) -> dict[str, bool]:
    """Every key that the broker ever held of a job, and whether it still does."""
    address = replace(found.stack.login, seed_file=found.stack.paths.seed("controller")).address
    broker = await Broker.connect(address, name="test")
    try:
        filters = {"job-queue": [f"jobs.{job_id}", f"status.{job_id}.>"], "job-responses": [f"responses.{job_id}.>"]}
        entries = [
            entry
            for bucket, wanted in filters.items()
            for entry in (await broker.bucket(bucket).get_many(wanted)).values()
        ]
    finally:
        await broker.close()
    return {entry.key: not entry.deleted for entry in entries}


async def test_a_job_that_is_deleted_leaves_nothing(fleet: Installation) -> None:
    before = (await fleet.admin.get("/api/job?limit=1")).json()
    job_id = (await fleet.admin.shell("group:web", "echo gone")).json()["job_id"]
    held = await keys_of(fleet, job_id)
    assert (len(held) >= 3, all(held.values())) == (True, True)
    answer = await fleet.admin("DELETE", f"/api/job/{job_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not any((await keys_of(fleet, job_id)).values())
    await forgotten(fleet, job_id, before)


async def test_a_job_that_runs_is_cancelled_before_it_is_deleted(fleet: Installation) -> None:
    before = (await fleet.admin.get("/api/job?limit=1")).json()
    sleep = nap()
    job_id = await fleet.admin.submit("web-00", sleep, timeout=300)
    await begun(sleep)
    assert (await fleet.admin("DELETE", f"/api/job/{job_id}")).status_code == 204
    await ended(sleep, within_s=3)
    await forgotten(fleet, job_id, before)
    last_word = f"responses.{job_id}.{fleet.agent('web-00').machine}"

    async def swept() -> bool:
        held = await keys_of(fleet, job_id)
        return last_word in held and not any(held.values())

    await eventually(swept)  # what the agent says when the job is gone already brings nothing back
    await forgotten(fleet, job_id, None)


async def test_a_job_can_be_deleted_as_soon_as_it_is_accepted(fleet: Installation) -> None:
    sleep = nap()
    for target in ("web-00", "_any", "group:web"):
        job_id = await fleet.admin.submit(target, sleep, timeout=300)
        assert (await fleet.admin("DELETE", f"/api/job/{job_id}")).status_code == 204

        async def nothing_left(job_id: str = job_id) -> bool:
            return not any((await keys_of(fleet, job_id)).values()) and not running(sleep)

        await eventually(nothing_left)
        await forgotten(fleet, job_id, None)


async def forgotten(found: Installation, job_id: str, before: dict[str, Any] | None) -> None:
    """Nothing tells of the job any more, and the counts are as they were before it."""

    async def unknown() -> bool:
        return (await found.admin.get(f"/api/job/{job_id}")).status_code == 404

    await eventually(unknown)
    for path in ("/retry", "/cancel"):
        assert (await found.admin.post(f"/api/job/{job_id}{path}")).status_code == 404
    assert (await found.admin("DELETE", f"/api/job/{job_id}")).status_code == 404
    after = (await found.admin.get("/api/job?limit=100")).json()
    assert job_id not in [item["id"] for item in after["items"]]
    if before is not None:
        assert (after["total_items"], after["status_counts"]) == (before["total_items"], before["status_counts"])


# -- out of time -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["echo part; {0} & {0}", "echo part; exec {}"])
async def test_a_command_out_of_time_is_ended_and_shows_what_it_wrote(fleet: Installation, command: str) -> None:
    sleep = nap()
    begin = time.monotonic()
    answer = await fleet.admin.shell("web-00", command.format(sleep), timeout=1)
    took = time.monotonic() - begin
    entry = by_host(answer)["web-00"]
    assert (answer.status_code, entry["status"], entry["code"], entry["stdout"]) == (202, "failed", "timeout", "part\n")
    assert 1 <= took < 1 + 2 + 5, "ended two seconds after its time is over, and told soon"
    assert running(sleep) == []
    job = await fleet.admin.job(answer.json()["job_id"])
    assert (job["status"], job["timeline"][-1]["event"]) == ("timeout", "timeout")
    assert job["responses"]["web-00"]["data"]["stdout"] == "part\n"


async def test_a_child_that_let_go_of_the_output_is_not_waited_for(fleet: Installation) -> None:
    sleep = f"sleep 3.{os.getpid()}"
    answer = await fleet.admin.shell("web-00", f"echo out; nohup {sleep} >/dev/null 2>&1 &", timeout=60)
    entry = by_host(answer)["web-00"]
    assert (entry["status"], entry["stdout"], entry["exit_code"]) == ("ok", "out\n", 0)
    assert entry["duration_ms"] < 3000
    await ended(sleep, within_s=30)


async def test_a_child_that_holds_the_output_is_ended_with_the_rest(fleet: Installation) -> None:
    sleep = nap()
    answer = await fleet.admin.shell("web-00", f"echo out; {sleep} &", timeout=1)
    entry = by_host(answer)["web-00"]
    assert (entry["status"], entry["code"], entry["stdout"], entry["exit_code"]) == ("failed", "timeout", "out\n", 0)
    assert running(sleep) == []


# -- too much ----------------------------------------------------------------------------------


@pytest.mark.parametrize("byte", ["x", r"\001", r"\377", r"\""])
async def test_a_flood_of_output_is_cut_with_a_mark(fleet: Installation, byte: str) -> None:
    flood = f"head -c 4000000 /dev/zero | tr '\\000' '{byte}'"
    answer = await fleet.admin.shell("group:web", f"echo first; {flood}; echo; echo last; {{ {flood}; }} >&2")
    for entry in by_host(answer).values():
        assert (entry["status"], entry["exit_code"], entry["truncated"]) == ("ok", 0, True)
        assert entry["stdout"].startswith("first\n")
        assert entry["stdout"].endswith("\nlast\n")
        assert len(entry["stdout"]) < 1_000_000
    job = await fleet.admin.job(answer.json()["job_id"])
    assert job["status"] == "completed"
    assert job["responses"]["web-00"]["data"]["truncated"] is True


# -- too many at once --------------------------------------------------------------------------


async def span(found: Installation, job_id: str) -> tuple[datetime, datetime]:
    """When a job began and ended on its host."""
    job = await found.admin.job_in(job_id, "completed")
    moments = {event["event"]: datetime.fromisoformat(event["timestamp"]) for event in job["timeline"]}
    return moments["started"], moments["completed"]


@pytest.mark.parametrize("target", ["web-00", "_any", "_all"])
async def test_an_agent_does_no_more_at_once_than_it_may(narrow: Installation, target: str, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    made = [await narrow.admin.submit(target, f"sleep 0.3; echo x >> {effects}") for _ in range(6)]
    spans = [await span(narrow, job_id) for job_id in made]
    most = max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
    assert most == 2
    assert lines_of(effects) == ["x"] * 6


async def test_changes_of_one_kind_wait_for_one_another(narrow: Installation) -> None:
    body = {"key": "vm.swappiness", "value": "7"}
    answers = await asyncio.gather(
        *(narrow.admin.post("/api/node/web-00/sysctl?dry_run=true", body) for _ in range(12))
    )
    assert {answer.status_code for answer in answers} == {200}
    spans = sorted([await span(narrow, answer.json()["job_id"]) for answer in answers])
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


async def test_reading_does_not_wait_behind_changes(narrow: Installation) -> None:
    busy = [await narrow.admin.submit("web-00", "sleep 0.4") for _ in range(6)]
    answer = await narrow.admin.get("/api/node/web-00/os")
    assert answer.status_code == 200
    read = await span(narrow, answer.json()["job_id"])
    last = max([await span(narrow, job_id) for job_id in busy])
    assert read[1] < last[0]


async def test_one_sees_ones_own_job_that_nobody_has_taken_yet(narrow: Installation) -> None:
    """Who reaches every host there is may leave the choice to the fleet."""
    async with (
        narrow.caller(narrow.token("web-team", subject="one")) as mine,
        narrow.caller(narrow.token("web-team", subject="other")) as other,
    ):
        with paused(*narrow.stack.agents):
            job_id = await mine.submit("_any", "true")
            assert (await mine.job(job_id))["status"] == "submitted"
            assert job_id in (await mine.get("/api/job")).text
            assert (await other.get(f"/api/job/{job_id}")).status_code == 403
            assert job_id not in (await other.get("/api/job")).text
        await mine.job_in(job_id, "completed")
        assert (await other.job(job_id))["status"] == "completed"
