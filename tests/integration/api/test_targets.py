"""Whom a target means, who answers, and what is told when somebody does not."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually, lines_of, managed, paused

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

OS = "/api/node/{}/os"


async def asked(fleet: Installation, target: str) -> list[str]:
    answer = await fleet.admin.get(OS.format(target))
    assert answer.status_code == 200, answer.text
    assert answer.json()["job_id"]
    assert {entry["status"] for entry in answer.json()["results"]} == {"ok"}
    return [entry["machine_id"] for entry in answer.json()["results"]]


async def test_all_means_every_host(fleet: Installation) -> None:
    assert sorted(await asked(fleet, "_all")) == sorted(agent.machine for agent in fleet.stack.agents)


async def test_any_means_one_host_and_it_works_once(fleet: Installation, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    answers = [await fleet.admin.shell("_any", f"echo $OSAPI_JOB_ID >> {effects}") for _ in range(10)]
    assert [len(answer.json()["results"]) for answer in answers] == [1] * 10
    assert lines_of(effects) == [answer.json()["job_id"] for answer in answers]


async def test_a_job_for_anybody_does_not_stay_with_a_host_that_hangs(fleet: Installation) -> None:
    with paused(fleet.agent("web-00")):
        answers = await asyncio.gather(*(fleet.admin.shell("_any", "true") for _ in range(8)))
    hosts = [set(by_host(answer)) for answer in answers]
    assert all(len(host) == 1 and host <= {"web-01", "db-00", "twin"} for host in hosts), hosts


async def test_a_host_is_meant_by_name_and_by_machine_id(fleet: Installation) -> None:
    machine = fleet.agent("db-00").machine
    assert await asked(fleet, "db-00") == await asked(fleet, machine) == [machine]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("group:web", {"web-00", "web-01"}),
        ("group:web.dev", {"web-00"}),
        ("group%3Aweb.prod", {"web-01"}),
        ("group:db", {"db-00"}),
        ("site:here", {"web-00", "web-01", "db-00", "twin"}),
    ],
)
async def test_a_label_means_all_hosts_at_and_below_its_value(
    fleet: Installation, target: str, meant: set[str]
) -> None:
    machines = {agent.machine for agent in fleet.stack.agents if agent.hostname in meant}
    assert set(await asked(fleet, target)) == machines


@pytest.mark.parametrize("target", ["group:we", "group:web.de", "group:web.dev.x", "colour:red"])
async def test_a_label_that_no_host_has_is_refused(fleet: Installation, target: str) -> None:
    refused(await fleet.admin.get(OS.format(target)), target)


async def test_a_host_that_is_unknown_is_refused_with_names_that_are_close(fleet: Installation) -> None:
    refused(await fleet.admin.get(OS.format("web-0")), "web-0", "did you mean", "web-00", "web-01")


async def test_a_name_of_two_hosts_is_refused_with_their_ids(fleet: Installation) -> None:
    twins = [agent.machine for agent in fleet.stack.agents if agent.hostname == "twin"]
    refused(await fleet.admin.get(OS.format("twin")), *twins)
    assert await asked(fleet, twins[1]) == [twins[1]]


@pytest.mark.parametrize("target", ["_some", "a b", "group:", ":web", "group:web:dev", "%2E%2E", "web-0%3E"])
async def test_text_that_is_no_target_is_refused(fleet: Installation, target: str) -> None:
    refused(await fleet.admin.get(OS.format(target)))


async def test_a_host_that_is_silent_is_named_beside_those_that_answer(fleet: Installation) -> None:
    silent = fleet.agent("web-01")
    with paused(silent):
        answer = await fleet.admin.get(OS.format("group:web") + "?wait=1")
        entries = by_host(answer)
    assert answer.status_code == 200
    assert (entries["web-00"]["status"], entries["web-01"]["status"]) == ("ok", "failed")
    assert entries["web-01"]["code"] == "timeout"
    assert entries["web-01"]["error"].startswith("timeout: agent did not respond")
    assert entries["web-01"]["machine_id"] == silent.machine
    job = await fleet.admin.job_in(answer.json()["job_id"], "completed")
    assert set(job["responses"]) == {"web-00", "web-01"}, "whoever is late is still heard"


async def test_when_nobody_answers_the_job_is_named_all_the_same(fleet: Installation) -> None:
    silent = [fleet.agent("web-00"), fleet.agent("web-01")]
    with paused(*silent):
        one = await fleet.admin.get(OS.format("web-00") + "?wait=0.5")
        several = await fleet.admin.get(OS.format("group:web") + "?wait=0.5")
        found = await fleet.admin.job(several.json()["job_id"])
    for answer in (one, several):
        assert (answer.status_code, answer.json()["code"]) == (504, "no_answer")
        assert answer.json()["job_id"] in answer.json()["error"]
    assert one.json()["details"] == {"silent": ["web-00"]}
    assert several.json()["details"] == {"silent": ["web-00", "web-01"]}
    assert found["status"] in ("submitted", "processing")
    assert found["silent"] == ["web-00", "web-01"]
    await fleet.admin.job_in(several.json()["job_id"], "completed")


async def test_a_fleet_comes_and_goes(tmp_path: Path) -> None:
    settings = {"nats": {"registry": {"ttl": "5s"}}, "agent": {"heartbeat_interval": "1s"}}
    async with installation(tmp_path, **settings) as small:
        for target in ("_any", "_all", "group:web", "stays"):
            refused(await small.admin.get(OS.format(target)))
        refused(await small.admin.get(OS.format("_all")), "osapi agent start")

        for hostname in ("stays", "leaves", "dies"):
            await small.stack.start_agent(hostname)
        await small.stack.until_registered(3)
        leaves, dies = small.agent("leaves"), small.agent("dies")
        await small.stack.stop(leaves.pid)
        refused(await small.admin.get(OS.format("leaves")), "leaves", "not ready", "stopped")
        assert set(by_host(await small.admin.get(OS.format("_all")))) == {"stays", "dies"}

        os.kill(dies.pid, signal.SIGKILL)
        await small.stack.gone(dies.pid)
        nobody = await small.admin.get(OS.format("dies") + "?wait=0.2")
        assert (nobody.status_code, bool(nobody.json()["job_id"])) == (504, True)

        async def noticed() -> bool:
            return (await small.admin.get(OS.format("dies") + "?wait=0")).status_code == 400

        await eventually(noticed)
        refused(await small.admin.get(OS.format("dies")), "dies")
        assert set(by_host(await small.admin.get(OS.format("_all")))) == {"stays"}


def refused(answer: httpx2.Response, *words: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text
    assert "job_id" not in answer.json()
    assert [word for word in words if word not in answer.json()["error"]] == [], answer.json()["error"]


# -- what one host says becomes the answer -----------------------------------------------------


async def test_what_is_not_managed_on_the_one_host_is_404_with_its_job(fleet: Installation) -> None:
    for target in ("web-00", "_any"):
        answer = await fleet.admin.get(f"/api/node/{target}/sysctl/vm.swappiness")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_managed")
        assert (await fleet.admin.job(answer.json()["job_id"]))["status"] == "failed"


async def test_a_program_that_does_not_exist_is_404_with_its_job(fleet: Installation) -> None:
    answer = await fleet.admin.post("/api/node/web-00/command/exec", {"command": "no-such-program"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "no-such-program" in answer.json()["error"]
    assert (await fleet.admin.job(answer.json()["job_id"]))["status"] == "failed"


async def test_what_is_in_the_way_on_the_one_host_is_409_with_its_job(fleet: Installation) -> None:
    body = {"key": "vm.swappiness", "value": "20"}
    async with managed(fleet, "web-00", "vm.swappiness", "10"):
        one = await fleet.admin.post("/api/node/web-00/sysctl?dry_run=true", body)
        several = await fleet.admin.post("/api/node/group:web/sysctl?dry_run=true", body)
    assert (one.status_code, one.json()["code"]) == (409, "conflict")
    assert (await fleet.admin.job(one.json()["job_id"]))["status"] == "failed"
    entries = by_host(several)
    assert several.status_code == 200
    assert (entries["web-00"]["status"], entries["web-00"]["code"]) == ("failed", "conflict")
    assert entries["web-01"]["status"] == "ok"


async def test_in_a_broadcast_a_failure_is_that_of_its_host_alone(fleet: Installation) -> None:
    answer = await fleet.admin.get("/api/node/group:web/sysctl/vm.swappiness")
    assert answer.status_code == 200
    assert {entry["code"] for entry in answer.json()["results"]} == {"not_managed"}
    assert {entry["status"] for entry in answer.json()["results"]} == {"failed"}


async def test_a_plain_failure_of_the_one_host_is_an_entry(fleet: Installation) -> None:
    body = {"key": "kernel.ostype", "value": "Minix"}
    answer = await fleet.admin.post("/api/node/web-00/sysctl?dry_run=true", body)
    entry = by_host(answer)["web-00"]
    assert answer.status_code == 200
    assert (entry["status"], entry["code"], "kernel.ostype" in entry["error"]) == ("failed", "read_only", True)
    assert (await fleet.admin.job(answer.json()["job_id"]))["status"] == "failed"


async def test_a_command_that_ends_badly_is_no_failure(fleet: Installation) -> None:
    answer = await fleet.admin.shell("web-00", "echo no >&2; exit 3")
    entry = by_host(answer)["web-00"]
    assert (answer.status_code, entry["status"]) == (202, "ok")
    assert (entry["exit_code"], entry["stderr"], entry["changed"]) == (3, "no\n", True)
