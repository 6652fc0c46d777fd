"""`osapi client` and the SDK against real programs."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading

import pytest
from tests.integration.programs.conftest import until

from osapi.contract.operation import Nothing
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.domains.node import operations as node
from osapi.jobs.status import JobStatus
from osapi.sdk import errors
from osapi.sdk.aio import AsyncClient

from .conftest import SECOND, Fleet

pytestmark = pytest.mark.anyio


def test_every_host_answers(fleet: Fleet) -> None:
    ran = fleet.cli("node", "hostname", "get", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {entry["machine_id"] for entry in told["results"]} == {"testmachine", SECOND}
    assert {entry["hostname"] for entry in told["results"]} == {socket.gethostname()}


def test_a_table_names_every_host(fleet: Fleet) -> None:
    ran = fleet.cli("node", "uptime", "get", "-o", "wide")
    assert ran.returncode == 0, ran.stderr
    assert "testmachine" in ran.stdout
    assert SECOND in ran.stdout
    assert "2 hosts: 2 ok" in ran.stdout


def test_one_host_is_asked_by_machine_id_or_name(fleet: Fleet) -> None:
    for target in (SECOND, "second"):
        (entry,) = json.loads(fleet.cli("node", "os", "get", "-T", target, "-j").stdout)["results"]
        assert entry["machine_id"] == SECOND


@pytest.mark.parametrize(
    ("script", "target", "status"),
    [
        ("exit 0", "_all", 0),
        ("exit 7", "_all", 3),
        ("exit 7", SECOND, 3),
        ("test $PPID = 0", "_any", 3),
    ],
)
def test_the_exit_status_tells_how_the_hosts_fared(fleet: Fleet, script: str, target: str, status: int) -> None:
    ran = fleet.cli("node", "command", "shell", "--command", script, "-T", target, "-y")
    assert ran.returncode == status, ran.stderr + ran.stdout


def test_the_output_of_a_host_is_passed_on_with_its_status(fleet: Fleet) -> None:
    ran = fleet.cli(
        "node", "command", "shell", "--command", "echo out; echo err >&2; exit 7", "-T", SECOND, "--stdout", "--stderr"
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "[second] out\n", "[second] err\n")


def test_a_host_that_does_not_answer_in_time_is_named(fleet: Fleet) -> None:
    ran = fleet.cli("node", "command", "shell", "--command", "sleep 3", "-T", SECOND, "--wait", "0.3")
    assert ran.returncode == 4
    job_id = ran.stderr.split("--job-id ")[1].strip()
    ran = fleet.cli("job", "watch", "--job-id", job_id)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1].endswith("done: completed")


def test_a_key_that_is_not_managed_is_not_found(fleet: Fleet) -> None:
    ran = fleet.cli("node", "sysctl", "get", "--key", "vm.swappiness", "-T", SECOND)
    assert ran.returncode == 3
    assert "not managed" in ran.stderr
    with fleet.client() as client, pytest.raises(errors.NotFound) as raised:
        client.node(SECOND).sysctl.get(key="vm.swappiness")
    assert raised.value.job_id


def test_check_mode_tells_and_changes_nothing(fleet: Fleet) -> None:
    ran = fleet.cli("node", "sysctl", "create", "--key", "vm.swappiness", "--value", "61", "--check", "-T", "second")
    assert ran.returncode == 0, ran.stderr
    assert "+vm.swappiness = 61" in ran.stdout
    assert fleet.cli("node", "sysctl", "list", "-T", "second", "-j").stdout.count("vm.swappiness") == 0


def test_jobs_are_listed_shown_and_deleted(fleet: Fleet) -> None:
    with fleet.client() as client:
        job_id = client.run(node.OS, Nothing(), target=SECOND).job_id
    listed = json.loads(fleet.cli("job", "list", "--operation", "node.os.get", "--limit", "1", "--json").stdout)
    assert listed["jobs"][0]["id"] == job_id
    assert "Status: completed" in fleet.cli("job", "get", "--job-id", job_id).stdout
    assert fleet.cli("job", "delete", "--job-id", job_id).returncode == 0
    assert fleet.cli("job", "get", "--job-id", job_id).returncode == 1


def test_a_job_is_stopped(fleet: Fleet) -> None:
    with fleet.client() as client:
        job_id = client.submit(command.SHELL, ShellRequest(command="sleep 60"), target=SECOND)
        until(lambda: client.jobs.get(job_id).status is JobStatus.PROCESSING, "the job runs")
        assert fleet.cli("job", "cancel", "--job-id", job_id).returncode == 0
        assert client.jobs.wait(job_id).status is JobStatus.CANCELLED


def test_the_same_key_is_the_same_job(fleet: Fleet) -> None:
    with fleet.client() as client:
        asked = ShellRequest(command="true")
        one, other = (client.run(command.SHELL, asked, target=SECOND, idempotency_key="one-key") for _ in range(2))
        assert one.job_id == other.job_id
        with pytest.raises(errors.Conflict):
            client.run(command.SHELL, ShellRequest(command="false"), target=SECOND, idempotency_key="one-key")


async def test_the_asynchronous_client_does_the_same(fleet: Fleet) -> None:
    async with AsyncClient(fleet.url, fleet.token) as client:
        answers = await client.node("_all").hostname.get()
        assert {answer.machine_id for answer in answers} == {"testmachine", SECOND}
        job_id = await client.submit(command.SHELL, ShellRequest(command="true"), target="_all")
        told = [event.event async for event in client.jobs.watch(job_id)]
        assert told.count("completed") == 2
        assert told[-1] == "done"
        assert (await client.health.ready()).ready


def test_everything_that_happens_is_heard(fleet: Fleet) -> None:
    with fleet.client() as client:
        heard: list[str] = []
        listening = threading.Event()

        def listen() -> None:
            for event in client.jobs.events():
                listening.set()
                if getattr(event, "event", "") == "done" and getattr(event, "operation", "") == "node.load.get":
                    heard.append(event.operation)  # type: ignore[union-attr]
                    return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        until(lambda: client.node(SECOND).uptime.get() and listening.is_set(), "the stream is open")
        client.node(SECOND).load.get()
        thread.join(10)
        assert heard == ["node.load.get"]


def test_the_controller_is_restarted_and_a_watch_goes_on(fleet: Fleet) -> None:
    with fleet.client() as client:
        job_id = client.submit(command.SHELL, ShellRequest(command="sleep 4"), target=SECOND)
        told: list[str] = []
        for event in client.jobs.watch(job_id):
            told.append(event.event)
            if len(told) == 1:
                os.kill(fleet.running.child("osapi.controller"), signal.SIGKILL)
        assert told.count("submitted") == 1
        assert told[-2:] == ["completed", "done"]
        until(lambda: client.health.ready().ready, "the controller is back")


def test_the_fleet_is_listed_and_completed(fleet: Fleet) -> None:
    ran = fleet.cli("agent", "list", "--json")
    assert ran.returncode == 0, ran.stderr
    assert {agent["machine_id"] for agent in json.loads(ran.stdout)["agents"]} == {"testmachine", SECOND}
    assert "second" in fleet.cli("agent", "get", "--hostname", SECOND).stdout
    words = "osapi client node hostname get -T sec"
    completed = fleet.cli(_OSAPI_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert completed.stdout == "plain,second\n"
