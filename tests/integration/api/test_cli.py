"""`osapi client` as people and scripts use it: what it prints, what it asks, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest
from bench.stack import free_port
from tests.integration.api.kit import ENOUGH_S, Installation, Spoken, lines_of, managed, nap, paused, running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SHELL = ("node", "command", "shell", "--command")
NOBODY = "00000000-0000-4000-8000-000000000000"


def header(spoken: Spoken, first: str = "HOSTNAME") -> list[str]:
    """The words over the table."""
    return next(line.split() for line in spoken.out.splitlines() if line.split()[:1] == [first])


def rows(spoken: Spoken) -> list[list[str]]:
    """The first three words of each line about a host of the group `web`."""
    return [line.split()[:3] for line in spoken.out.splitlines() if line.startswith("  web-") and ":" not in line]


# -- what it prints ----------------------------------------------------------------------------


async def test_a_table_has_a_line_for_every_host_and_the_job_above(fleet: Installation) -> None:
    spoken = await fleet.cli("node", "os", "get", "--target", "group:web")
    assert (spoken.status, spoken.err) == (0, "")
    assert header(spoken) == ["HOSTNAME", "STATUS", "DISTRIBUTION", "VERSION"]
    assert [row[:2] for row in rows(spoken)] == [["web-00", "ok"], ["web-01", "ok"]]
    [job_id] = [line.split()[-1] for line in spoken.out.splitlines() if "Job ID" in line]
    assert (await fleet.admin.job(job_id))["target"] == "group:web"


async def test_the_default_target_of_a_question_is_every_host(fleet: Installation) -> None:
    spoken = await fleet.cli("node", "os", "get", "--json")
    assert len(spoken.json["results"]) == len(fleet.stack.agents)


async def test_json_is_the_answer_of_the_controller_as_it_is(fleet: Installation) -> None:
    for words in (["--json"], ["-o", "json"]):
        spoken = await fleet.cli("node", "os", "get", "-T", "db-00", *words)
        [entry] = spoken.json["results"]
        assert (entry["hostname"], entry["status"], bool(entry["os_info"]["distribution"])) == ("db-00", "ok", True)
        assert spoken.json["job_id"]
    before = await fleet.cli("--json", "node", "os", "get", "-T", "db-00")
    assert before.json["results"] == spoken.json["results"]


async def test_other_forms_of_output(fleet: Installation) -> None:
    wide = await fleet.cli("node", "os", "get", "-T", "db-00", "-o", "wide")
    assert header(wide)[:4] == ["HOSTNAME", "STATUS", "MACHINE", "ID"]
    assert fleet.agent("db-00").machine in wide.out
    lines = await fleet.cli("node", "os", "get", "-T", "group:web", "-o", "jsonl")
    assert [json.loads(line)["hostname"] for line in lines.out.splitlines()] == ["web-00", "web-01"]
    none = await fleet.cli("node", "os", "get", "-o", "xml")
    assert (none.status, none.out) == (1, "")
    assert "jsonl" in none.err


async def test_what_commands_write_can_be_had_alone(fleet: Installation) -> None:
    words = (*SHELL, "echo out; echo err >&2; exit 7", "-T", "group:web", "--yes")
    spoken = await fleet.cli(*words, "--stdout")
    assert (spoken.status, spoken.out, spoken.err) == (7, "[web-00] out\n[web-01] out\n", "")
    spoken = await fleet.cli(*words, "--stderr")
    assert (spoken.status, spoken.out, spoken.err) == (7, "", "[web-00] err\n[web-01] err\n")


async def test_there_are_no_colours_unless_somebody_looks(fleet: Installation) -> None:
    words = ("node", "os", "get", "-T", "db-00")
    assert "\x1b" not in (await fleet.cli(*words)).out
    assert "\x1b[" in await at_a_terminal(fleet, *words)
    assert "\x1b" not in await at_a_terminal(fleet, *words, NO_COLOR="1")


async def test_whoever_waits_at_a_terminal_sees_how_many_have_answered(fleet: Installation) -> None:
    with paused(fleet.agent("db-00")):
        words = ("node", "os", "get", "-T", "site:here", "--wait", "2")
        plain = await at_a_terminal(fleet, *words, stream="stderr")
        as_json = await at_a_terminal(fleet, *words, "--json", stream="stderr")
    count = len(fleet.stack.agents)
    assert f"{count - 1} of {count} hosts answered" in plain
    assert as_json == ""


async def at_a_terminal(fleet: Installation, *words: str, stream: str = "stdout", **environ: str) -> str:
    """What a person sees on the screen to which one stream goes."""
    ours, theirs = pty.openpty()
    streams: dict[str, Any] = {stream: theirs}
    process = await fleet.spawn_cli(*words, **streams, **{"TERM": "xterm", **environ})
    os.close(theirs)
    seen = b""
    try:
        while piece := await asyncio.to_thread(_read, ours):
            seen += piece
        await process.communicate()
    finally:
        os.close(ours)
    return seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed, see pty(7)
        return b""


# -- how it ends -------------------------------------------------------------------------------


async def test_0_is_for_hosts_that_did_it(fleet: Installation) -> None:
    assert (await fleet.cli(*SHELL, "true", "-T", "_any")).status == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("node", "os", "get", "-T", "web-0"), "did you mean"),
        (("node", "os", "get", "-T", "group:"), "group:web"),
        (("node", "os", "got"), "got"),
        (("node", "os", "get", "--colour"), "--colour"),
        (("node", "sysctl", "get", "-T", "web-00"), "--key"),
        ((*SHELL, "true", "-T", "web-00", "--timeout", "0"), "timeout"),
        ((*SHELL, "true", "-T", "web-00", "--timeout", "x"), "--timeout"),
        (("node", "os", "get", "--wait", "-1"), "--wait"),
        (("job", "list", "--limit", "0"), "limit"),
        (("job", "list", "--status", "done"), "partial_failure"),
        (("job", "list", "--since", "yesterday"), "--since"),
        (("job", "get", "--job-id", NOBODY), "does not exist"),
        (("job", "get", "--job-id", "none"), "none"),
        (("job", "get"), "--job-id"),
    ],
)
async def test_1_is_for_lines_that_make_no_sense(fleet: Installation, words: tuple[str, ...], told: str) -> None:
    spoken = await fleet.cli(*words)
    assert (spoken.status, spoken.out) == (1, "")
    assert told in spoken.err
    assert "Traceback" not in spoken.err


async def test_2_is_for_hosts_of_which_some_failed(fleet: Installation) -> None:
    async with managed(fleet, "web-00", "vm.swappiness", "10"):
        spoken = await fleet.cli("node", "sysctl", "get", "--key", "vm.swappiness", "-T", "group:web")
    assert spoken.status == 2
    assert rows(spoken) == [["web-00", "ok", "vm.swappiness"], ["web-01", "err"]]
    assert "1 ok, 1 failed" in spoken.out
    assert "web-01: vm.swappiness is not managed" in spoken.out


async def test_2_is_for_commands_of_which_some_ended_badly(fleet: Installation) -> None:
    mark = fleet.folder / "one-of-two"
    spoken = await fleet.cli(*SHELL, f"mkdir {mark}", "-T", "group:web", "--yes")
    assert spoken.status == 2, "one of the two came first"


@pytest.mark.parametrize("target", ["web-00", "group:web"])
async def test_3_is_for_hosts_that_all_failed(fleet: Installation, target: str) -> None:
    spoken = await fleet.cli("node", "sysctl", "get", "--key", "vm.swappiness", "-T", target)
    assert spoken.status == 3
    assert "vm.swappiness is not managed" in spoken.out + spoken.err
    assert (await fleet.cli(*SHELL, "exit 9", "-T", target, "--yes")).status == 3


async def test_4_is_for_hosts_that_said_nothing(fleet: Installation) -> None:
    with paused(fleet.agent("db-00")):
        spoken = await fleet.cli("node", "os", "get", "-T", "db-00", "--wait", "0.3")
        as_json = await fleet.cli("node", "os", "get", "-T", "db-00", "--wait", "0.3", "--json")
        some = await fleet.cli("node", "os", "get", "-T", "site:here", "--wait", "1")
    assert (spoken.status, spoken.out) == (4, "")
    assert "job get --job-id" in spoken.err
    assert (as_json.status, as_json.out, json.loads(as_json.err)["code"]) == (4, "", "no_answer")
    assert (some.status, "agent did not respond" in some.out) == (2, True)


async def test_4_is_for_work_that_ran_out_of_time(fleet: Installation) -> None:
    sleep = nap()
    spoken = await fleet.cli(*SHELL, f"echo part; {sleep}", "-T", "web-00", "--timeout", "1")
    assert spoken.status == 4
    assert "part" in spoken.out
    assert running(sleep) == []


async def test_who_does_not_wait_is_told_how_to_go_on(fleet: Installation) -> None:
    spoken = await fleet.cli(*SHELL, "echo later", "-T", "web-00", "--async")
    [job_id] = [line.split()[-1] for line in spoken.out.splitlines()]
    assert (spoken.status, f"job watch --job-id {job_id}" in spoken.err) == (0, True)
    assert (await fleet.cli("job", "watch", "--job-id", job_id)).status == 0
    as_json = await fleet.cli("node", "os", "get", "-T", "web-00", "--async", "--json")
    assert as_json.json["status"] == "submitted"


# -- what it asks ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [(), ("-T", "_all"), ("-T", "group:web")])
async def test_changing_many_hosts_needs_consent(fleet: Installation, target: tuple[str, ...], tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    spoken = await fleet.cli(*SHELL, f"echo x >> {effects}", *target)
    assert (spoken.status, spoken.out) == (1, "")
    assert "--yes" in spoken.err
    assert lines_of(effects) == []
    spoken = await fleet.cli(*SHELL, f"echo x >> {effects}", *target, "--yes")
    assert spoken.status == 0
    assert len(lines_of(effects)) == (2 if "group:web" in target else len(fleet.stack.agents))


async def test_only_to_look_needs_no_consent(fleet: Installation) -> None:
    spoken = await fleet.cli("node", "hostname", "update", "--name", "another-name", "--dry-run")
    assert spoken.status == 0
    assert "another-name" in spoken.out
    assert f"{len(fleet.stack.agents)} would change" in spoken.out


@pytest.mark.parametrize(("answer", "status", "count"), [("y\n", 0, 2), ("n\n", 1, 0), ("\n", 1, 0)])
async def test_a_person_is_asked(fleet: Installation, answer: str, status: int, count: int, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    ours, theirs = pty.openpty()
    try:
        process = await fleet.spawn_cli(*SHELL, f"echo x >> {effects}", "-T", "group:web", stdin=theirs)
        assert process.stderr is not None
        async with asyncio.timeout(ENOUGH_S):
            question = (await process.stderr.readuntil(b"[y/N] ")).decode()
            os.write(ours, answer.encode())
            await process.communicate()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "group:web" in question
    assert (process.returncode, len(lines_of(effects))) == (status, count)


# -- when it cannot ----------------------------------------------------------------------------


async def test_a_controller_that_is_not_there_is_told_with_what_to_do(fleet: Installation) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    lines = (("node", "os", "get"), ("job", "list"), ("job", "watch", "--job-id", NOBODY))
    for spoken in await asyncio.gather(*(fleet.cli(*words, url=url) for words in lines)):
        assert (spoken.status, spoken.out) == (1, "")
        assert url in spoken.err
        assert "osapi start" in spoken.err
        assert "Traceback" not in spoken.err


async def test_a_token_that_is_refused_is_told_with_what_to_do(fleet: Installation) -> None:
    spoken = await fleet.cli("job", "list", token="no-token-at-all")
    assert (spoken.status, spoken.out) == (1, "")
    assert "osapi token generate" in spoken.err
    assert "no-token-at-all" not in spoken.err
    unknown = await fleet.cli("job", "list", token="", HOME=str(fleet.folder))
    assert (unknown.status, "No token is known" in unknown.err) == (1, True)


async def test_what_is_forbidden_is_told(fleet: Installation) -> None:
    spoken = await fleet.cli(*SHELL, "true", "-T", "web-00", token=fleet.token("read"))
    assert (spoken.status, spoken.out) == (1, "")
    assert "command:execute" in spoken.err


async def test_whoever_started_it_all_needs_neither_address_nor_token(fleet: Installation, tmp_path: Path) -> None:
    spoken = await fleet.cli("job", "list", url="", token="")
    assert spoken.status == 0, spoken.err
    context = tmp_path / "context.json"
    context.write_text(json.dumps({"url": fleet.admin.url, "token": fleet.stack.token}))
    spoken = await fleet.cli("job", "list", url="", token="", HOME=str(tmp_path), OSAPI_CONTEXT=str(context))
    assert spoken.status == 0, spoken.err


# -- jobs --------------------------------------------------------------------------------------


async def test_jobs_are_listed(fleet: Installation) -> None:
    job_id = (await fleet.admin.shell("group:web", "true")).json()["job_id"]
    table = await fleet.cli("job", "list", "--operation", "command.shell.execute", "--since", "10m", "--limit", "5")
    assert table.status == 0
    assert job_id in table.out
    counts = (await fleet.admin.get("/api/job?limit=1")).json()["status_counts"]
    told = {label: int(count) for label, count in re.findall(r"^  (\w+): (\d+)$", table.out, re.MULTILINE)}
    assert told.pop("Showing") == 5
    assert told.pop("Total") <= sum(told.values()) == sum(counts.values())
    as_json = await fleet.cli("job", "list", "--target", "group:web", "--status", "completed", "--json")
    listed = [item["id"] for item in as_json.json["jobs"]]
    assert listed[0] == job_id
    assert (as_json.json["filter_applied"], as_json.json["displayed_jobs"]) == (True, len(listed))
    page = await fleet.cli("job", "list", "--limit", "1", "--json")
    following = await fleet.cli("job", "list", "--limit", "1", "--cursor", page.json["next_cursor"], "--json")
    assert following.json["jobs"][0]["id"] != page.json["jobs"][0]["id"]


async def test_a_job_is_shown(fleet: Installation) -> None:
    job_id = (await fleet.admin.shell("group:web", "echo shown")).json()["job_id"]
    told = await fleet.cli("job", "get", "--job-id", job_id)
    assert told.status == 0
    assert [
        word for word in (job_id, "web-00", "web-01", "shown", "Timeline", "completed") if word not in told.out
    ] == []
    as_json = await fleet.cli("job", "get", "--job-id", job_id, "--json")
    assert as_json.json == await fleet.admin.job(job_id)


async def test_a_job_is_run_again_cancelled_and_deleted(fleet: Installation) -> None:
    first = (await fleet.admin.shell("web-00", "true")).json()["job_id"]
    again = await fleet.cli("job", "retry", "--job-id", first, "--target-hostname", "web-01", "--json")
    assert (again.status, again.json["status"]) == (0, "created")
    second = await fleet.admin.job_in(again.json["job_id"], "completed")
    assert (second["retry_of"], second["target"]) == (first, "web-01")

    too_late = await fleet.cli("job", "cancel", "--job-id", first)
    assert (too_late.status, "already ended" in too_late.err) == (1, True)
    slow = await fleet.admin.submit("web-00", nap(), timeout=300)
    cancelled = await fleet.cli("job", "cancel", "--job-id", slow)
    assert (cancelled.status, slow in cancelled.out) == (0, True)
    await fleet.admin.job_in(slow, "cancelled")
    assert (await fleet.cli("job", "watch", "--job-id", slow)).status == 3

    deleted = await fleet.cli("job", "delete", "--job-id", first, "--json")
    assert (deleted.status, deleted.json["status"], deleted.json["job_id"]) == (0, "deleted", first)
    gone = await fleet.cli("job", "get", "--job-id", first, "--json")
    assert (gone.status, gone.out, json.loads(gone.err)["code"]) == (1, "", "not_found")


async def test_the_same_key_finds_the_same_job(fleet: Installation, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    words = (*SHELL, f"echo x >> {effects}", "-T", "web-00", "--idempotency-key", "cli-key", "--json")
    first, second = await fleet.cli(*words), await fleet.cli(*words)
    assert first.json == second.json
    assert lines_of(effects) == ["x"]


async def test_output_that_nobody_reads_on_is_no_failure_to_shout_about(fleet: Installation) -> None:
    process = await fleet.spawn_cli(*SHELL, "yes | head -c 200000", "-T", "web-00", "--stdout")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(ENOUGH_S):
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined] # as `| head -1` does
        err = (await process.stderr.read()).decode()
        await process.wait()
    assert err == ""
