"""`osapi start` and its parts, with the real programs."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.halting import halt

from .conftest import Installation, Running, alive, descendants, until

PROGRAMS = ("osapi.broker", "osapi.controller", "osapi.agent")


def started(installation: Installation, *words: str, **environ: str) -> Running:
    """A started installation that has announced itself."""
    running = installation.spawn("start", *words, **environ)
    until(lambda: running.out.endswith("\n") or running.process.poll() is not None, "the announcement")
    assert running.process.poll() is None, running.err
    return running


def asked(installation: Installation, what: str = "hostname") -> Any:
    """What the client, set up by the first start, is told by the hosts."""
    done = installation.run("client", "node", what, "get", "--json")
    assert done.returncode == 0, done.stderr + installation.logs
    return json.loads(done.stdout)["results"]


def answers(installation: Installation) -> bool:
    return installation.run("client", "node", "hostname", "get", "--target", "testmachine").returncode == 0


def refused(installation: Installation, *words: str, **environ: str) -> str:
    """The one line with which a start is refused."""
    running = installation.spawn(*words, **environ)
    below: dict[int, str] = {}
    until(lambda: below.update(descendants(running.pid)) or running.process.poll() is not None, "the refusal")
    assert running.process.returncode == 1, running.err
    assert not [line for pid, line in below.items() if alive(pid)]
    assert running.out == ""
    told = [line for line in running.err.splitlines() if not line.startswith("{")]
    assert len(told) == 1, running.err
    return told[0]


def test_the_first_start_leads_to_an_answer_from_this_host(installation: Installation) -> None:
    running = started(installation)
    address, _, token, hint = running.out.splitlines()
    assert address == f"OSAPI  {installation.url}"
    trusted = {"ca": installation.tls.ca} if installation.tls else {}
    assert installation.context == {"url": address.removeprefix("OSAPI  "), "token": token.strip(), **trusted}
    assert "osapi client node hostname get" in hint
    (result,) = asked(installation)
    assert (result["hostname"], result["machine_id"], result["status"]) == (socket.gethostname(), "testmachine", "ok")
    assert running.stop() == 0


def test_a_second_start_shows_no_token_and_the_client_still_works(installation: Installation) -> None:
    first = started(installation)
    context = installation.context
    assert first.stop() == 0
    second = started(installation)
    assert second.out == f"OSAPI  {installation.url}\n"
    assert installation.context == context
    assert asked(installation)


def test_a_disk_that_is_smaller_than_what_may_be_kept_does_not_keep_it_from_starting(
    installation: Installation,
) -> None:
    larger_than_any_disk = str(1 << 60)
    first = started(installation, OSAPI_NATS_OUTPUT_MAX_BYTES=larger_than_any_disk)
    (warning,) = first.events("broker.small_disk")
    assert f"may grow to {larger_than_any_disk} bytes" in warning["error"]
    assert asked(installation)
    assert first.stop() == 0
    second = started(installation, OSAPI_NATS_OUTPUT_MAX_BYTES=str(1 << 20))
    assert asked(installation)
    assert second.events("broker.small_disk") == []
    assert second.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_in_order_and_leaves_nothing(installation: Installation, number: signal.Signals) -> None:
    running = started(installation)
    below = descendants(running.pid)
    assert all(any(program in line for line in below.values()) for program in PROGRAMS)
    assert running.stop(number) == 0
    assert not [line for pid, line in below.items() if alive(pid)]
    ends = ("controller.stopped", "agent.stopped", "broker.stopped")
    order = [event for line in running.err.splitlines() for event in ends if f'"{event}"' in line]
    assert sorted(order[:2]) == ["agent.stopped", "controller.stopped"]
    assert order[2:] == ["broker.stopped"]


def test_a_stop_during_the_start_leaves_nothing(installation: Installation) -> None:
    running = installation.spawn("start")
    running.child("osapi.broker")
    below = descendants(running.pid)
    assert running.stop() == 0
    assert running.out == ""
    assert not [line for pid, line in below.items() if alive(pid)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_dies_is_started_again(installation: Installation, program: str) -> None:
    running = started(installation)
    before = running.child(program)
    os.kill(before, signal.SIGKILL)
    assert running.wait_event("start.program_died")["status"] == -signal.SIGKILL
    until(lambda: running.child(program) != before, f"{program} is started again")
    until(lambda: answers(installation), "the host answers again")
    assert running.stop() == 0


def test_everything_ends_with_the_parent(installation: Installation) -> None:
    running = started(installation)
    below = descendants(running.pid)
    running.process.kill()
    until(lambda: not [pid for pid in below if alive(pid)], f"the end of {below}")


def test_it_can_start_again_at_once_after_it_was_killed(installation: Installation) -> None:
    first = started(installation)
    first.process.kill()
    first.process.wait()
    started(installation)
    assert asked(installation)


def test_a_second_one_on_the_same_data_is_refused(installation: Installation) -> None:
    first = started(installation)
    line = refused(installation, "start")
    assert line == f"osapi: data folder {installation.data} is in use by process {first.pid}; stop it first"
    assert asked(installation)


def test_a_taken_port_of_the_api_is_refused(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.api_port)):
        line = refused(installation, "start")
    assert line.startswith(
        f"osapi: controller.api.port: 127.0.0.1:{installation.api_port} is in use by another program"
    )
    assert [path.name for path in installation.data.iterdir()] == ["osapi.lock"]


def test_a_taken_port_of_the_broker_is_refused(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.nats_port)):
        line = refused(installation, "start")
    assert line.startswith(f"osapi broker: nats.server.port: 127.0.0.1:{installation.nats_port} is in use")


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"OSAPI_NATS_SERVER_BINARY": "/nowhere"}, "osapi broker: nats.server.binary: /nowhere is no program"),
        ({"OSAPI_DATA_DIR": "/proc/osapi"}, "osapi: folder /proc/osapi cannot be made: "),
        (
            {"OSAPI_CONTROLLER_API_HOST": "0.0.0.0"},
            "osapi: controller.api.host: 0.0.0.0 can be reached from other",
        ),
        (
            {"OSAPI_NATS_SERVER_HOST": "0.0.0.0"},
            "osapi: nats.server.host: 0.0.0.0 can be reached from other machines",
        ),
        ({"OSAPI_AGENT_NATS_PORT": "1"}, "osapi: agent.nats.port: '1' is another broker than nats.server.port"),
        ({"OSAPI_OSAPIFILE": "/nowhere.yaml"}, "osapi: settings file /nowhere.yaml does not exist"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_one_line(
    plain_installation: Installation, environ: dict[str, str], part: str
) -> None:
    assert refused(plain_installation, "start", **environ).startswith(part)


def test_an_agent_that_cannot_start_ends_the_start(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refused(installation, "start", OSAPI_AGENT_STATE_DIR=str(tmp_path / "file" / "state"))
    assert line.startswith("osapi agent: ")


def test_all_faults_of_the_settings_are_told(installation: Installation) -> None:
    done = installation.run("start", OSAPI_CONTROLLER_API_PORT="0", OSAPI_NATS_KV_TTL="1d", OSAPI_DEBUG="maybe")
    assert done.returncode == 1
    assert done.stderr.startswith("osapi: the settings have 3 faults (no file, environment only):\n")
    assert done.stderr.count("\n") == 4
    assert not installation.data.exists()


def test_whoever_started_it_hears_that_it_is_ready(installation: Installation, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(60)
        running = installation.spawn("start", NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert ear.recv(100) == b"READY=1"
        ear.setblocking(False)
        with pytest.raises(BlockingIOError):
            ear.recv(100)
    assert running.out


def test_insecure_allows_other_addresses(plain_installation: Installation) -> None:
    started(plain_installation, "--insecure", OSAPI_CONTROLLER_API_HOST="0.0.0.0", OSAPI_NATS_SERVER_HOST="0.0.0.0")
    assert asked(plain_installation)


def test_a_namespace_and_a_settings_file_reach_every_program(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "osapi.yaml"
    file.write_text("nats: {server: {namespace: site}}\nagent: {hostname: from-the-file}\n")
    started(installation, "-f", str(file))
    (result,) = asked(installation, "uptime")
    assert result["hostname"] == "from-the-file"


def test_the_programs_start_one_by_one(installation: Installation) -> None:
    to_broker = {f"OSAPI_{role}_NATS_PORT": str(installation.nats_port) for role in ("CONTROLLER", "AGENT")}
    early = installation.run("agent", "start", **to_broker)
    assert early.returncode == 1
    assert early.stderr.startswith("osapi: this agent knows no controller: make a join token ")
    broker = installation.spawn("nats", "server", "start")
    broker.wait_event("broker.ready")
    controller = installation.spawn("controller", "start", **to_broker)
    controller.wait_event("controller.ready")
    assert "admin token" in controller.out
    agent = installation.spawn("agent", "start", **to_broker)
    agent.wait_event("agent.ready")
    until(lambda: answers(installation), "the host answers")
    assert [running.stop() for running in (agent, controller, broker)] == [0, 0, 0]


def test_the_document_and_the_version_are_printed(installation: Installation) -> None:
    document = installation.run("controller", "openapi")
    assert json.loads(document.stdout)["openapi"].startswith("3.1")
    assert json.loads(installation.run("version").stdout)["name"] == "osapi"
    assert not installation.data.exists()


def test_a_closed_terminal_does_not_stop_what_was_started_with_nohup(installation: Installation) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = started(installation)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    running.process.send_signal(signal.SIGHUP)
    assert asked(installation)
    assert running.stop() == 0


def test_a_second_signal_ends_it_at_once(installation: Installation) -> None:
    running = started(installation)
    halt(running.child("osapi.agent"))
    running.process.send_signal(signal.SIGTERM)
    running.wait_event("controller.stopped")
    assert running.stop() == 0
