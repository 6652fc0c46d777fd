"""What happens to jobs, as it happens: from the beginning, after a pause, and after a restart."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from tests.integration.api.kit import ENOUGH_S, Event, Installation, nap

from osapi.jobs.api import JobEvent

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events if event.name != "output"]


def place(event: Event) -> tuple[int, ...]:
    return tuple(int(part) for part in event.id.split("-"))


async def until(stream: AsyncIterator[Event], job_id: str, name: str = "done") -> list[Event]:
    """The events of one job in a stream of all, up to this one."""
    found: list[Event] = []
    async with asyncio.timeout(ENOUGH_S):
        async for event in stream:
            if event.data.get("job_id") == job_id:
                found.append(event)
                if event.name == name:
                    return found
    raise AssertionError(f"the stream ended before {name}: {names(found)}")


def path(job_id: str) -> str:
    return f"/api/job/{job_id}/events"


# -- one job -----------------------------------------------------------------------------------


async def test_a_job_is_followed_from_its_beginning_to_its_end(fleet: Installation) -> None:
    job_id = await fleet.admin.submit("web-00", "sleep 1")
    events = await fleet.admin.all_events(path(job_id))
    assert names(events) == ["submitted", "acknowledged", "started", "completed", "done"]
    assert {event.data["job_id"] for event in events} == {job_id}
    assert [event.data.get("hostname") for event in events if event.name != "output"] == [
        None, "web-00", "web-00", "web-00", None,
    ]  # fmt: skip
    assert events[-1].data["status"] == "completed"
    assert [place(event) for event in events] == sorted(place(event) for event in events)


@pytest.mark.parametrize("target", ["web-00", "group:web", "_any"])
async def test_a_job_that_has_ended_tells_the_same_story_after_every_event(fleet: Installation, target: str) -> None:
    job_id = (await fleet.admin.shell(target, "true")).json()["job_id"]
    events = await fleet.admin.all_events(path(job_id))
    assert (events[0].name, events[-1].name) == ("submitted", "done")
    for number, event in enumerate(events[:-1]):
        rest = await fleet.admin.all_events(path(job_id), event.id)
        assert names(rest) == names(events[number + 1 :])


async def test_a_job_that_runs_is_resumed_after_every_event(fleet: Installation) -> None:
    job_id = await fleet.admin.submit("web-00", "sleep 1.5")
    async with fleet.admin.events(path(job_id)) as stream:
        first = await until(stream, job_id, "started")
    resumed = await asyncio.gather(*(fleet.admin.all_events(path(job_id), event.id) for event in first))
    whole = await fleet.admin.all_events(path(job_id))
    for number, rest in enumerate(resumed):
        assert names(rest) == names(whole)[names(whole).index(first[number].name) + 1 :]


async def test_a_job_that_is_deleted_ends_its_stream(fleet: Installation) -> None:
    job_id = await fleet.admin.submit("web-00", nap(), timeout=300)
    async with fleet.admin.events(path(job_id)) as stream:
        await until(stream, job_id, "started")
        assert (await fleet.admin("DELETE", f"/api/job/{job_id}")).status_code == 204
        rest = [event.name async for event in stream]
    assert rest[-1] == "deleted"
    assert (await fleet.admin.get(path(job_id))).status_code == 404


@pytest.mark.parametrize("last_id", ["x", "1", "-", "1-x", "-1-1", "1-2-3-4-5", "1-²"])
async def test_an_event_id_that_never_was_one_is_refused(fleet: Installation, last_id: str) -> None:
    job_id = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
    for address in (path(job_id), "/api/events"):
        answer = await fleet.admin.get(address, last_event_id=last_id.encode())
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


# -- all jobs ----------------------------------------------------------------------------------


async def test_all_jobs_are_followed_live(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as stream:
        old = (await fleet.admin.shell("group:web", "true")).json()["job_id"]
        events = await until(stream, old)
    assert [name for name in names(events) if name not in {"acknowledged", "started"}] == [
        "submitted", "completed", "completed", "done",
    ]  # fmt: skip
    assert {event.data["operation"] for event in events} == {"command.shell.execute"}
    assert {event.data["target"] for event in events} == {"group:web"}


async def test_all_jobs_are_resumed_after_every_event(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as stream:
        job_id = (await fleet.admin.shell("group:web", "true")).json()["job_id"]
        events = await until(stream, job_id)
    for number, event in enumerate(events[:-1]):
        async with fleet.admin.events("/api/events", event.id) as stream:
            rest = await until(stream, job_id)
        assert names(rest) == names(events[number + 1 :]), f"after {event.name}"


async def test_what_happened_while_nobody_listened_is_told_afterwards(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as stream:
        seen = await until(stream, (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"])
    missed = [(await fleet.admin.get("/api/node/db-00/os")).json()["job_id"] for _ in range(3)]
    async with fleet.admin.events("/api/events", seen[-1].id) as stream:
        told = [names(await until(stream, job_id))[-1] for job_id in missed]
    assert told == ["done"] * 3


async def test_a_stream_shows_only_what_its_caller_may_see(fleet: Installation) -> None:
    web, reader = fleet.token("web-team", subject="web"), fleet.token("read", subject="reader")
    async with (
        fleet.caller(web) as limited,
        fleet.caller(reader) as unable,
        limited.events("/api/events") as mine,
        unable.events("/api/events") as theirs,
    ):
        outside = (await fleet.admin.shell("db-00", "true")).json()["job_id"]
        within = (await fleet.admin.shell("group:web", "true")).json()["job_id"]
        last = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
        seen_by_web = await _all_until(mine, last)
        seen_by_reader = await _all_until(theirs, last)
    assert {event.data["job_id"] for event in seen_by_web} == {within, last}
    assert {event.data["job_id"] for event in seen_by_reader} == {last}
    assert outside not in str(seen_by_web)


async def _all_until(stream: AsyncIterator[Event], job_id: str) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(ENOUGH_S):
        async for event in stream:
            found.append(event)
            if (event.data["job_id"], event.name) == (job_id, "done"):
                break
    return found


# -- over a restart ----------------------------------------------------------------------------


async def test_a_restart_of_the_controller_loses_no_event_of_a_job(fleet: Installation) -> None:
    events: list[JobEvent] = []
    async with fleet.sdk() as client:
        job_id = await fleet.admin.submit("web-00", "sleep 3")

        async def follow() -> None:
            async for event in client.jobs.watch(job_id):
                events.append(event)  # noqa: PERF401 - they are looked at while they come

        following = asyncio.create_task(follow())
        async with fleet.admin.events(path(job_id)) as stream:
            await until(stream, job_id, "started")
        await fleet.restart_controller()
        async with asyncio.timeout(ENOUGH_S):
            await following
    told = [event.event for event in events if event.event != "output"]
    assert told == ["submitted", "acknowledged", "started", "completed", "done"]


async def test_after_a_restart_the_stream_of_all_jobs_is_whole_or_says_that_it_is_not(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as stream:
        before = await until(stream, (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"])
    missed = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
    await fleet.restart_controller()
    async with fleet.admin.events("/api/events", before[-1].id) as stream:
        first = await _next(stream)
        after = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
        assert names(await until(stream, after))[-1] == "done"
    if first.name != "reset":
        assert first.data["job_id"] == missed
    else:
        assert first.data["reason"]
        async with fleet.admin.events("/api/events", first.id) as stream:
            assert (await _next(stream)).data["job_id"] == after


async def test_a_stream_ends_with_the_controller_and_goes_on_after_it(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as stream:
        before = await until(stream, (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"])
        reading = asyncio.create_task(_drain(stream))
        await fleet.restart_controller()
        async with asyncio.timeout(ENOUGH_S):
            await reading
    async with fleet.admin.events("/api/events", before[-1].id) as stream:
        after = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
        first = await _next(stream)
    assert (first.name, first.data["job_id"]) == ("submitted", after)


async def _next(stream: AsyncIterator[Event]) -> Event:
    async with asyncio.timeout(ENOUGH_S):
        return await anext(stream)


async def _drain(stream: AsyncIterator[Event]) -> None:
    async for _ in stream:
        pass


# -- on the command line -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "status", "word"), [("sleep 0.5", 0, "done: completed"), ("sleep 9", 4, "done: timeout")]
)
async def test_watch_follows_a_job_and_ends_with_its_status(
    fleet: Installation, command: str, status: int, word: str
) -> None:
    job_id = await fleet.admin.submit("web-00", command, timeout=1)
    spoken = await fleet.cli("job", "watch", "--job-id", job_id)
    lines = spoken.out.splitlines()
    assert (spoken.status, spoken.err) == (status, "")
    assert "submitted" in lines[0]
    assert word in lines[-1]
    assert "\x1b" not in spoken.out
    as_json = await fleet.cli("job", "watch", "--job-id", job_id, "--json")
    assert f'"event":"{word.partition(":")[0]}"' in as_json.out.splitlines()[-1]


async def test_watch_survives_a_restart_of_the_controller(fleet: Installation) -> None:
    job_id = await fleet.admin.submit("web-00", "sleep 3")
    process = await fleet.spawn_cli("job", "watch", "--job-id", job_id)
    assert process.stdout is not None
    async with asyncio.timeout(ENOUGH_S):
        assert b"submitted" in await process.stdout.readline()
        await fleet.restart_controller(signal.SIGKILL)
        rest, _ = await process.communicate()
    assert process.returncode == 0
    assert rest.decode().count("completed") == 2, rest.decode()


async def test_watch_of_all_jobs_shows_them_as_they_come(fleet: Installation) -> None:
    process = await fleet.spawn_cli("job", "watch")
    assert process.stdout is not None
    try:
        jobs: list[str] = []
        async with asyncio.timeout(ENOUGH_S):
            reading = asyncio.create_task(process.stdout.readline())
            while not reading.done():
                jobs.append((await fleet.admin.get("/api/node/web-00/os")).json()["job_id"])
            line = (await reading).decode()
        assert any(job_id in line for job_id in jobs)
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 130


async def test_watch_of_a_job_that_does_not_exist_says_so(fleet: Installation) -> None:
    spoken = await fleet.cli("job", "watch", "--job-id", "00000000-0000-4000-8000-000000000000")
    assert (spoken.status, spoken.out) == (1, "")
    assert "does not exist" in spoken.err
