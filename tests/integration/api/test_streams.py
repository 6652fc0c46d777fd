"""Operations answered as they happen, on a whole installation: output as it comes, and what ends when nobody listens."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import ENOUGH_S, Event, Installation, by_host, eventually, nap, running

from osapi.contract.kept import object_name

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


def text(events: list[Event], host: str, name: str = "stdout") -> str:
    pieces = [event.data["data"] for event in events if event.name == "output" and event.data["hostname"] == host]
    return "".join(piece.get(name, "") for piece in pieces)


async def run(fleet: Installation, target: str, command: str, **more: Any) -> list[Event]:
    """Run text in a shell and return all that is told."""
    body = {"command": command, **more}
    async with (
        asyncio.timeout(ENOUGH_S),
        fleet.admin.attached("POST", f"/api/node/{target}/command/shell", body) as stream,
    ):
        return [event async for event in stream]


async def test_a_command_on_many_hosts_is_told_as_it_runs(fleet: Installation) -> None:
    events = await run(fleet, "group:web", "echo one; sleep 0.5; echo two; exit 7")
    assert (text(events, "web-00"), text(events, "web-01")) == ("one\ntwo\n", "one\ntwo\n")
    assert events[-1].name == "answer"
    entries = events[-1].data["body"]["results"]
    assert [(entry["hostname"], entry["stdout"], entry["exit_code"]) for entry in entries] == [
        ("web-00", "one\ntwo\n", 7),
        ("web-01", "one\ntwo\n", 7),
    ]
    first = next(number for number, event in enumerate(events) if event.name == "output")
    assert first < [event.name for event in events].index("completed")


async def test_the_job_tells_the_same_to_whoever_asks_later(fleet: Installation) -> None:
    events = await run(fleet, "web-00", "echo one; sleep 0.3; echo two")
    later = await fleet.admin.all_events(f"/api/job/{events[0].data['job_id']}/events")
    assert text(later, "web-00") == "one\ntwo\n"
    assert [event.name for event in later][-2:] == ["completed", "done"]


async def test_output_is_among_the_events_of_all_jobs_unless_it_is_not_wanted(fleet: Installation) -> None:
    async with fleet.admin.events("/api/events") as all_of_it, fleet.admin.events("/api/events?output=false") as rest:
        job_id = await fleet.admin.submit("web-00", "echo one; sleep 0.3")
        told: list[list[str]] = []
        for stream in (all_of_it, rest):
            names: list[str] = []
            async with asyncio.timeout(ENOUGH_S):
                async for event in stream:
                    if event.data.get("job_id") == job_id:
                        names.append(event.name)
                        if event.name == "done":
                            break
            told.append(names)
    assert "output" in told[0]
    assert "output" not in told[1]


async def test_who_leaves_a_command_leaves_it_running(fleet: Installation) -> None:
    nobody_elses = nap()
    body = {"command": f"echo begun; {nobody_elses}", "timeout": 60}
    async with fleet.admin.attached("POST", "/api/node/web-00/command/shell", body) as stream:
        job_id = (await anext(stream)).data["job_id"]
        await eventually(lambda: _is_there(nobody_elses))
    await fleet.admin.job_in(job_id, "processing")
    assert (await fleet.admin.post(f"/api/job/{job_id}/cancel")).status_code == 202
    await fleet.admin.job_in(job_id, "cancelled")


async def test_what_is_followed_on_many_hosts_ends_with_its_listener(fleet: Installation) -> None:
    """Each journalctl is told apart by the unit that it reads."""
    mark = "--follow --unit=osapi-test-1"
    path = "/api/node/group:web/log/unit/osapi-test-1?follow=true"
    async with fleet.admin.attached("GET", path) as stream:
        job_id = (await anext(stream)).data["job_id"]
        await eventually(lambda: _are_there(mark, 2))
    await eventually(lambda: _are_there(mark, 0))
    job = await fleet.admin.job_in(job_id, "cancelled")
    assert {state["status"] for state in job["agent_states"].values()} == {"cancelled"}


async def test_what_is_followed_ends_when_its_time_is_over(fleet: Installation) -> None:
    path = "/api/node/web-00/log?follow=true&duration=1"
    async with asyncio.timeout(ENOUGH_S), fleet.admin.attached("GET", path) as stream:
        *_, last = [event async for event in stream]
    (entry,) = last.data["body"]["results"]
    assert (entry["status"], entry["entries"]) == ("ok", [])


async def test_who_follows_keeps_nobody_waiting(fleet: Installation) -> None:
    """More than `agent.max_jobs` may listen at once, and other work goes on."""
    mark = "--follow --unit=osapi-test-2"
    path = "/api/node/web-00/log/unit/osapi-test-2?follow=true"

    async def listen() -> None:
        async with fleet.admin.attached("GET", path) as stream:
            async for _ in stream:
                pass

    listening = [asyncio.create_task(listen()) for _ in range(12)]
    await eventually(lambda: _are_there(mark, 10))
    assert (await fleet.admin.shell("web-00", "true")).status_code == 202
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    await eventually(lambda: _are_there(mark, 0))


async def test_the_command_line_follows_and_stops_what_it_follows(fleet: Installation) -> None:
    mark = "--follow --unit=osapi-test-3"
    words = ("node", "log", "unit", "--name", "osapi-test-3", "--follow", "-T", "web-01")
    process = await fleet.spawn_cli(*words)
    await eventually(lambda: _are_there(mark, 1))
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(ENOUGH_S):
        assert await process.wait() == 130
    await eventually(lambda: _are_there(mark, 0))


async def test_the_command_line_prints_output_while_it_comes(fleet: Installation, tmp_path: Any) -> None:
    go_on = tmp_path / "go-on"
    command = f"echo one; echo err >&2; until [ -e {go_on} ]; do sleep 0.05; done; echo two; exit 5"
    process = await fleet.spawn_cli("node", "command", "shell", "--command", command, "-T", "web-00", "--follow")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(ENOUGH_S):
        assert await process.stdout.readline() == b"one\n"
        assert await process.stderr.readline() == b"err\n"
        go_on.touch()
        assert await process.stdout.read() == b"two\n"
        assert await process.wait() == 5


async def test_the_sdk_follows(fleet: Installation) -> None:
    from osapi.domains.command import operations
    from osapi.domains.command.models import ShellRequest

    async with fleet.sdk() as client:
        following = client.follow(operations.SHELL, ShellRequest(command="echo a; sleep 0.4; echo b"), target="web-00")
        events = [event async for event in following]
    assert "".join(event.data["stdout"] for event in events if event.event == "output") == "a\nb\n"
    assert following.results[0].data is not None
    assert json.dumps(following.results[0].data.stdout) == '"a\\nb\\n"'


async def forged() -> AsyncIterator[bytes]:
    yield b"forged"


async def _is_there(words: str) -> bool:
    return bool(running(words))


async def _are_there(words: str, count: int) -> bool:
    return len(running(words)) == count


# -- output that is kept whole -----------------------------------------------------------------


async def test_kept_output_is_listed_and_downloaded_byte_for_byte(fleet: Installation) -> None:
    command = r"printf 'a\377b'; head -c 3000000 /dev/zero; echo err >&2"
    answer = await fleet.admin.shell("group:web", command, keep_output=True)
    job_id, entries = answer.json()["job_id"], by_host(answer)
    listed = (await fleet.admin.get(f"/api/job/{job_id}/output")).json()
    assert [(one["hostname"], one["name"], one["size"]) for one in listed["items"]] == [
        ("web-00", "stderr", 4),
        ("web-00", "stdout", 3_000_003),
        ("web-01", "stderr", 4),
        ("web-01", "stdout", 3_000_003),
    ]
    for hostname in ("web-00", "web-01"):
        got = await fleet.admin.get(f"/api/job/{job_id}/output/{hostname}/stdout")
        assert (got.status_code, got.headers["content-type"]) == (200, "application/octet-stream")
        assert got.content == b"a\xffb" + bytes(3_000_000)
        digest = hashlib.sha256(got.content).hexdigest()
        assert got.headers["x-content-sha256"] == digest
        assert {one["name"]: one["sha256"] for one in entries[hostname]["kept"]}["stdout"] == digest
    by_machine = entries["web-00"]["machine_id"]
    assert (await fleet.admin.get(f"/api/job/{job_id}/output/{by_machine}/stderr")).content == b"err\n"


@pytest.mark.parametrize("rest", ["web-00/stderr2", "db-00/stdout", "nobody/stdout", "web-00/..%2Fstdout"])
async def test_what_was_not_kept_is_not_found(fleet: Installation, rest: str) -> None:
    answer = await fleet.admin.shell("web-00", "true", keep_output=True)
    got = await fleet.admin.get(f"/api/job/{answer.json()['job_id']}/output/{rest}")
    assert (got.status_code, got.json()["code"]) == (404, "not_found")


async def test_kept_output_goes_with_its_job(fleet: Installation) -> None:
    job_id = (await fleet.admin.shell("web-00", "echo x", keep_output=True)).json()["job_id"]
    path = f"/api/job/{job_id}/output/web-00/stdout"
    assert (await fleet.admin.get(path)).content == b"x\n"
    assert (await fleet.admin("DELETE", f"/api/job/{job_id}")).status_code == 204
    assert (await fleet.admin.get(path)).status_code == 404
    async with fleet.broker() as broker:
        assert [one.name for one in await broker.objects("job-output").list() if job_id in one.name] == []


async def test_kept_output_needs_the_permission_of_its_operation_and_its_hosts(fleet: Installation) -> None:
    job_id = (await fleet.admin.shell("db-00", "echo secret", keep_output=True)).json()["job_id"]
    path = f"/api/job/{job_id}/output/db-00/stdout"
    for token in (fleet.token("read"), fleet.token("web-team")):
        async with fleet.caller(token) as caller:
            for address in (path, f"/api/job/{job_id}/output"):
                got = await caller.get(address)
                assert (got.status_code, b"secret" in got.content) == (403, False)
    async with fleet.caller(fleet.token("operator")) as caller:
        assert (await caller.get(path)).content == b"secret\n"


async def test_what_somebody_else_put_there_is_not_taken_for_it(fleet: Installation) -> None:
    """An agent may write into the store. What counts is the digest in the answer of the host."""
    answer = await fleet.admin.shell("web-00", "echo x", keep_output=True)
    job_id, machine = answer.json()["job_id"], by_host(answer)["web-00"]["machine_id"]
    async with fleet.broker() as broker:
        await broker.objects("job-output").put(object_name(job_id, machine, "stdout"), forged())
    got = await fleet.admin.get(f"/api/job/{job_id}/output/web-00/stdout")
    assert (got.status_code, got.json()["code"]) == (503, "corrupt")


# -- files of hosts ----------------------------------------------------------------------------


async def test_nothing_is_fetched_from_a_host_that_allows_nothing(fleet: Installation) -> None:
    got = await fleet.admin.get("/api/node/web-00/file/fetch?path=/etc/hostname")
    assert (got.status_code, got.json()["code"]) == (403, "protected")
    assert "agent.fetch.paths" in got.json()["error"]


# -- faults ------------------------------------------------------------------------------------


async def test_live_output_is_there_again_after_the_broker_has_lost_its_memory(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with installation(tmp_path_factory.mktemp("own")) as own:
        await own.stack.start_agent("web-00")
        await own.stack.until_registered(1)
        before = await run(own, "web-00", "echo one; sleep 0.3; echo two")
        assert text(before, "web-00") == "one\ntwo\n"
        os.kill(own.stack.broker_pid, signal.SIGKILL)
        await own.stack.broker_returned()

        async def tells_again() -> bool:
            if (await own.admin.shell("web-00", "true")).status_code != 202:
                return False
            return text(await run(own, "web-00", "echo three; sleep 0.3; echo four"), "web-00") == "three\nfour\n"

        await eventually(tells_again)
        whole = await own.admin.all_events(f"/api/job/{before[0].data['job_id']}/events")
        assert [event.name for event in whole][-2:] == ["completed", "done"]
