"""A request over HTTP to real agents and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import NatsServer
from tests.integration.agent.processes import AgentProcess
from tests.integration.controller.kit import ControllerProcess, until

from osapi.contract.ids import MachineId


@pytest.fixture(scope="module")
def agents(
    shared_nats: NatsServer, controller: ControllerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[AgentProcess]]:
    """Two agents, one of them in the group `web`."""
    keys = controller.folder / "data" / "pki"
    folder = tmp_path_factory.mktemp("agents")
    made = [
        AgentProcess(MachineId(name), folder / name, shared_nats.settings, keys, {"labels": {"group": group}})
        for name, group in (("a", "web.dev"), ("b", "db"))
    ]
    try:
        for agent in made:
            agent.start()
        token = controller.token("admin")
        until(lambda: len(controller.get("/api/node/_all/hostname", token).json.get("results", [])) == 2)
        yield made
    finally:
        for agent in made:
            agent.end()


pytestmark = pytest.mark.usefixtures("agents")


def test_every_target_is_answered(controller: ControllerProcess) -> None:
    token = controller.token("read")
    for target, machines in (("_all", ["a", "b"]), ("group:web", ["a"]), ("name-b", ["b"]), ("b", ["b"])):
        answer = controller.get(f"/api/node/{target}/hostname", token)
        assert answer.status == 200
        assert [entry["machine_id"] for entry in answer.json["results"]] == machines
        assert {entry["status"] for entry in answer.json["results"]} == {"ok"}
    assert len(controller.get("/api/node/_any/hostname", token).json["results"]) == 1


def test_a_command_runs_and_its_job_can_be_read(controller: ControllerProcess) -> None:
    token = controller.token("admin")
    body = {"command": "printf", "args": ["%s", "a; b"]}
    answer = controller.call("POST", "/api/node/a/command/exec", token, body)
    entry = answer.json["results"][0]
    assert (answer.status, entry["stdout"], entry["exit_code"]) == (202, "a; b", 0)
    job = controller.get(f"/api/job/{answer.json['job_id']}", token)
    assert (job.status, job.json["status"], job.json["actor"]) == (200, "completed", "anna")


def test_what_does_not_exist_is_404_with_its_job(controller: ControllerProcess) -> None:
    answer = controller.get("/api/node/a/sysctl/vm.swappiness", controller.token("read"))
    assert answer.status == 404
    assert answer.json["code"] in ("not_found", "not_managed")
    assert answer.json["job_id"]


def test_the_same_key_is_the_same_job_and_one_effect(controller: ControllerProcess, tmp_path: Path) -> None:
    token, counter = controller.token("admin"), tmp_path / "counter"
    body = {"command": f"echo x >> {counter}"}
    answers = [
        controller.call("POST", "/api/node/a/command/shell", token, body, idempotency_key="once") for _ in range(3)
    ]
    assert len({answer.json["job_id"] for answer in answers}) == 1
    assert counter.read_text() == "x\n"
    other = controller.call("POST", "/api/node/a/command/shell", token, {"command": "true"}, idempotency_key="once")
    assert (other.status, other.json["code"]) == (409, "conflict")


def test_who_does_not_wait_finds_the_result_in_the_job(controller: ControllerProcess) -> None:
    token = controller.token("admin")
    answer = controller.get("/api/node/_all/uptime", token, prefer="respond-async")
    assert answer.status == 202
    path = answer.headers["location"]
    until(lambda: controller.get(path, token).json["status"] == "completed")
    assert set(controller.get(path, token).json["responses"]) == {"name-a", "name-b"}


def test_a_limited_role_reaches_its_hosts_only(controller: ControllerProcess) -> None:
    token = controller.token("web")
    everywhere = controller.get("/api/node/_all/hostname", token)
    assert [entry["machine_id"] for entry in everywhere.json["results"]] == ["a"]
    for _ in range(5):
        one = controller.get("/api/node/_any/hostname", token)
        assert [entry["machine_id"] for entry in one.json["results"]] == ["a"]
    assert controller.get("/api/node/name-b/hostname", token).status == 403


def test_the_events_of_a_job_end_with_done(controller: ControllerProcess) -> None:
    token = controller.token("admin")
    answer = controller.call("POST", "/api/node/_all/command/shell?wait=0", token, {"command": "sleep 0.2"})
    connection = controller.connect()
    path = f"/api/job/{answer.json['job_id']}/events"
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    text = connection.getresponse().read().decode()
    connection.close()
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert (events[0], events[-1]) == ("submitted", "done")
    assert events.count("completed") == 2
