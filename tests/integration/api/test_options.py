"""What a caller may ask besides the operation: how long to wait, only to look, and never to do it twice."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.halting import halted
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually, lines_of, paused

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SHELL = "/api/node/{}/command/shell"


@pytest.fixture(scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One agent, and a controller that may be restarted and has little patience of its own."""
    async with installation(tmp_path_factory.mktemp("small"), controller={"api": {"job_timeout": "1s"}}) as made:
        await made.stack.start_agent("web-00")
        await made.stack.until_registered(1)
        yield made


# -- how long to wait --------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "headers"), [("?wait=0", {}), ("", {"prefer": "respond-async"})])
async def test_who_does_not_wait_is_told_the_job_before_it_ends(
    fleet: Installation, query: str, headers: dict[str, str]
) -> None:
    with paused(fleet.agent("web-00")):
        answer = await fleet.admin.post(SHELL.format("web-00") + query, {"command": "echo late"}, **headers)
        assert (answer.status_code, answer.json()["status"]) == (202, "submitted")
        assert set(answer.json()) == {"job_id", "status"}
    job = await fleet.admin.job_in(answer.json()["job_id"], "completed")
    assert answer.headers["location"] == f"/api/job/{job['id']}"
    assert job["result"]["stdout"] == "late\n"


@pytest.mark.parametrize(("query", "headers"), [("?wait=0.5", {}), ("", {"prefer": "wait=0.5"})])
async def test_who_waits_a_little_waits_no_longer(fleet: Installation, query: str, headers: dict[str, str]) -> None:
    begin = time.monotonic()
    answer = await fleet.admin.post(SHELL.format("web-00") + query, {"command": "sleep 8"}, **headers)
    took = time.monotonic() - begin
    assert (answer.status_code, answer.json()["code"]) == (504, "no_answer")
    assert 0.5 <= took < 5
    assert (await fleet.admin.post(f"/api/job/{answer.json()['job_id']}/cancel")).status_code == 202
    await fleet.admin.job_in(answer.json()["job_id"], "cancelled")


async def test_who_does_not_say_waits_as_long_as_the_work_may_take(small: Installation) -> None:
    answer = await small.admin.shell("web-00", "sleep 2; echo done", timeout=20)
    assert (answer.status_code, by_host(answer)["web-00"]["stdout"]) == (202, "done\n")


@pytest.mark.parametrize("query", ["?wait=-1", "?wait=soon", "?wait=3601", "?wait=", "?dry_run=maybe", "?dry_run="])
async def test_an_option_that_makes_no_sense_is_refused(fleet: Installation, query: str) -> None:
    answer = await fleet.admin.post(SHELL.format("web-00") + query, {"command": "true"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert query[1:].partition("=")[0] in answer.json()["error"]


# -- only to look ------------------------------------------------------------------------------


def swappiness() -> tuple[str, bool]:
    """What the kernel of this machine uses, and whether something of ours is kept for the next boot."""
    value = Path("/proc/sys/vm/swappiness").read_text().strip()
    return value, Path("/etc/sysctl.d/osapi-vm.swappiness.conf").exists()


async def test_a_dry_run_of_a_command_runs_nothing(fleet: Installation, tmp_path: Path) -> None:
    effect = tmp_path / "effect"
    answer = await fleet.admin.shell("web-00", f"touch {effect}", "?dry_run=true")
    entry = by_host(answer)["web-00"]
    assert (entry["status"], entry["changed"]) == ("ok", True)
    assert str(effect) in entry["diff"]
    assert not effect.exists()
    assert (await fleet.admin.job(answer.json()["job_id"]))["dry_run"] is True


async def test_a_dry_run_of_a_kernel_parameter_sets_nothing(fleet: Installation) -> None:
    before, _ = swappiness()
    wanted = "10" if before != "10" else "20"
    body = {"key": "vm.swappiness", "value": wanted}
    answer = await fleet.admin.post("/api/node/_all/sysctl?dry_run=1", body)
    assert answer.status_code == 200
    for entry in answer.json()["results"]:
        assert (entry["status"], entry["changed"]) == ("ok", True)
        assert f"{before} -> {wanted}" in entry["diff"]
        assert "/etc/sysctl.d/osapi-vm.swappiness.conf" in entry["diff"]
    assert swappiness() == (before, False)
    again = await fleet.admin.get("/api/node/web-00/sysctl/vm.swappiness")
    assert (again.status_code, again.json()["code"]) == (404, "not_managed")


async def test_a_dry_run_of_a_new_name_renames_nothing(fleet: Installation) -> None:
    before = socket.gethostname()
    answer = await fleet.admin("PUT", "/api/node/web-00/hostname?dry_run=true", {"hostname": "another-name"})
    [entry] = answer.json()["results"]
    assert (answer.status_code, entry["status"], entry["changed"]) == (202, "ok", True)
    assert "another-name" in entry["diff"]
    assert socket.gethostname() == before
    [read] = (await fleet.admin.get("/api/node/web-00/hostname")).json()["results"]
    assert read["hostname"] == before


async def test_a_dry_run_of_what_is_as_wanted_would_change_nothing(fleet: Installation) -> None:
    body = {"hostname": socket.gethostname()}
    answer = await fleet.admin("PUT", "/api/node/web-00/hostname?dry_run=true", body)
    assert answer.json()["results"][0]["changed"] is False


# -- never twice -------------------------------------------------------------------------------


async def test_the_same_key_finds_the_same_job_and_its_answer(fleet: Installation, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    body = {"command": f"echo x | tee -a {effects}"}
    answers = [await fleet.admin.post(SHELL.format("web-00"), body, idempotency_key="k-again") for _ in range(3)]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert [by_host(answer)["web-00"]["stdout"] for answer in answers] == ["x\n"] * 3
    assert lines_of(effects) == ["x"]


@pytest.mark.parametrize(
    ("target", "command", "query"),
    [("web-00", "echo other", ""), ("web-01", "echo same", ""), ("web-00", "echo same", "?dry_run=true")],
)
async def test_the_same_key_for_another_request_is_a_conflict(
    fleet: Installation, target: str, command: str, query: str
) -> None:
    key = f"k-{target}-{command}-{query}".replace(" ", "-")
    first = await fleet.admin.post(SHELL.format("web-00"), {"command": "echo same"}, idempotency_key=key)
    other = await fleet.admin.post(SHELL.format(target) + query, {"command": command}, idempotency_key=key)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert other.json()["job_id"] == first.json()["job_id"]


async def test_a_key_is_that_of_its_caller(fleet: Installation) -> None:
    body = {"command": "echo same"}
    mine = await fleet.admin.post(SHELL.format("web-00"), body, idempotency_key="k-mine")
    async with fleet.caller(fleet.token("admin", subject="somebody-else")) as other:
        theirs = await other.post(SHELL.format("web-00"), body, idempotency_key="k-mine")
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["job_id"] != theirs.json()["job_id"]


@pytest.mark.parametrize("target", ["web-00", "_any", "group:web"])
async def test_twenty_at_once_with_one_key_are_one_job_with_one_effect(
    fleet: Installation, target: str, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"
    key = f"k-{target}-at-once"
    body = {"command": f"sleep 0.3; echo $OSAPI_JOB_ID | tee -a {effects}"}
    begin = time.monotonic()
    answers = await asyncio.gather(
        *(fleet.admin.post(SHELL.format(target), body, idempotency_key=key) for _ in range(20))
    )
    assert [answer.status_code for answer in answers] == [202] * 20
    assert time.monotonic() - begin < 15, "nobody waits for an answer that has come"
    [job_id] = {answer.json()["job_id"] for answer in answers}
    hosts = {entry["machine_id"] for answer in answers for entry in answer.json()["results"]}
    assert lines_of(effects) == [job_id] * len(hosts)
    assert {entry["status"] for answer in answers for entry in answer.json()["results"]} == {"ok"}
    listed = await fleet.admin.get("/api/job?limit=100")
    assert [item["id"] for item in listed.json()["items"]].count(job_id) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_key_is_remembered_over_a_restart_of_the_controller(
    small: Installation, number: signal.Signals, tmp_path: Path
) -> None:
    effects, key = tmp_path / "effects", f"k-{number.name}"
    body = {"command": f"echo x | tee -a {effects}"}
    first = await small.admin.post(SHELL.format("web-00"), body, idempotency_key=key)
    await small.restart_controller(number)
    again = await small.admin.post(SHELL.format("web-00"), body, idempotency_key=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert lines_of(effects) == ["x"]
    other = await small.admin.post(SHELL.format("web-00"), {"command": "true"}, idempotency_key=key)
    assert other.status_code == 409


async def test_while_the_broker_is_silent_the_job_is_named_and_the_key_finds_it_afterwards(
    small: Installation, tmp_path: Path
) -> None:
    effects, key = tmp_path / "effects", "k-silent"
    body = {"command": f"echo x | tee -a {effects}"}
    with halted(small.stack.broker_pid):
        refused = await small.admin.post(SHELL.format("web-00"), body, idempotency_key=key)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        503,
        "audit_unavailable",
        "1",
    )

    async def accepted() -> httpx2.Response | None:
        answer = await small.admin.post(SHELL.format("web-00"), body, idempotency_key=key)
        return answer if answer.status_code == 202 else None

    answer = await eventually(accepted)
    assert answer.json()["job_id"] == refused.json()["job_id"]
    assert by_host(answer)["web-00"]["stdout"] == "x\n"
    assert lines_of(effects) == ["x"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
async def test_a_key_that_is_none_is_refused(fleet: Installation, key: str) -> None:
    answer = await fleet.admin.post(SHELL.format("web-00"), {"command": "true"}, idempotency_key=key.encode())
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "Idempotency-Key" in answer.json()["error"]
