"""What real Debian hosts give out while they work, and what stops when nobody listens any more."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.fleet import Answer, Fleet, eventually
from tests.acceptance.listening import following, last_status, until
from tests.figures import figures

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOSTS = (1, 2, 3)
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def say(fleet: Fleet, host: int, text: str) -> None:
    fleet.bed("exec", host, "systemd-run", "--quiet", "--wait", "--collect", f"--unit=says-{host}", "--", "echo", text)


def followers(fleet: Fleet, host: int) -> int:
    """How many journalctl follow the journal of a host, by what its /proc tells."""
    return int(fleet.bed("enter", host, "sh", "-c", "pgrep -fc '^journalctl .*--follow' || true"))


def test_the_journal_of_one_host_is_followed_until_the_listener_leaves(fleet: Fleet) -> None:
    with following(fleet, "node", "log", "query", "--follow", "-T", "host1") as process:
        eventually(lambda: followers(fleet, 1) == 1, "nobody follows the journal")
        say(fleet, 1, "heard while it happens")
        assert "[host1]" not in until(process, "heard while it happens")[-1]
        say(fleet, 1, "and more")
        until(process, "and more")
    eventually(lambda: followers(fleet, 1) == 0, "journalctl is still there")
    eventually(lambda: last_status(fleet, "node.log.query") == "cancelled", "the job was not cancelled")


def test_one_unit_is_followed_on_many_hosts_at_once(fleet: Fleet) -> None:
    with following(fleet, "node", "log", "unit", "--name", "says-*", "--follow", "-T", "_all") as process:
        process.wait(timeout=20)
        assert process.returncode == 1, "a unit has a name, not a pattern"
    words = ("node", "log", "query", "--follow", "--priority", "info", "--lines", "1", "-T", "_all")
    with following(fleet, *words) as process:
        eventually(lambda: [followers(fleet, host) for host in HOSTS] == [1, 1, 1], "not all hosts follow")
        for host in HOSTS:
            say(fleet, host, f"this is {host}")
        lines = until(process, *(f"this is {host}" for host in HOSTS))
        for host in HOSTS:
            assert next(line for line in lines if f"this is {host}" in line).startswith(f"[host{host}] ")
    eventually(lambda: [followers(fleet, host) for host in HOSTS] == [0, 0, 0], "journalctl is still there")


def test_following_ends_by_itself_when_its_time_is_over(fleet: Fleet) -> None:
    words = ("node", "log", "unit", "--name", "ssh", "--follow", "--duration", "1", "-T", "host1")
    answer = fleet.client(*words)
    assert answer.status == 0, answer
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last["results"][0]["status"] == "ok"
    assert followers(fleet, 1) == 0


def test_a_flood_in_the_journal_is_told_whole_and_in_order(fleet: Fleet) -> None:
    """Nothing is left out: the journal waits for whoever listens."""
    with following(fleet, "node", "log", "unit", "--name", "floods-on", "--follow", "--json", "-T", "host1") as process:
        eventually(lambda: followers(fleet, 1) == 1, "nobody follows the journal")
        text = "i=0; while [ $i -lt 3000 ]; do printf '%s %0300d\\n' $i 0; i=$((i+1)); done"
        fleet.bed(
            "exec", 1, "systemd-run", "--quiet", "--wait", "--collect", "--unit=floods-on", "--", "sh", "-c", text
        )
        lines = until(process, '"2999 ')
    entries = [entry for line in lines for entry in (_data(line) or {}).get("entries", [])]
    numbers = [int(entry["message"].split()[0]) for entry in entries if entry["identifier"] == "sh"]
    assert numbers == list(range(3000))


def test_output_of_a_command_arrives_while_it_runs(fleet: Fleet) -> None:
    text = "echo begun; until [ -e /run/go-on ]; do sleep 0.05; done; echo ended"
    with following(fleet, "node", "command", "shell", "--command", text, "--follow", "-T", "host1") as process:
        assert until(process, "begun") == ["begun\n"]
        fleet.bed("exec", 1, "touch", "/run/go-on")
        assert until(process, "ended") == ["ended\n"]
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("bomb", ["f() { f | f & }; f", "trap '' TERM; f() { f & f & wait; }; f"])
def test_a_fork_bomb_is_ended_in_time_and_the_agent_lives(fleet: Fleet, bomb: str) -> None:
    before = _processes(fleet)
    answer = fleet.client("node", "command", "shell", "--command", bomb, "--timeout", "1", "-T", "host1")
    entry = answer.results["host1"]
    overrun_ms, at_the_end = entry["duration_ms"] - 1000, _processes(fleet)
    assert (entry["code"], overrun_ms < 5000) == ("timeout", True), entry
    eventually(lambda: _processes(fleet) <= before + 5, "there are processes left of it", 60)
    assert fleet.client("node", "hostname", "get", "-T", "host1").status == 0
    figures(f"row 23, {bomb}", overrun_ms=overrun_ms, processes_at_the_answer=at_the_end, later=_processes(fleet))


def test_a_reboot_is_waited_for_until_the_host_is_back(fleet: Fleet) -> None:
    before = fleet.bed("enter", 2, "cat", BOOT_ID)
    answer = fleet.client("node", "power", "reboot", "--wait-for-return", "--return-timeout", "60", "-T", "host2")
    after = fleet.bed("enter", 2, "cat", BOOT_ID)
    assert answer.status == 0, answer
    entry = answer.results["host2"]
    assert entry["boot_id"] == after != before
    assert (entry["changed"], entry["action"]) == (True, "reboot")
    assert 0 < entry["away_s"] < 60
    job = fleet.client("job", "get", "--job-id", answer.json["job_id"]).json
    assert (job["status"], job["result"]["away_s"]) == ("completed", entry["away_s"])
    names = [event["event"] for event in job["timeline"]]
    assert names == ["submitted", "acknowledged", "started", "completed"]


def test_a_reboot_that_is_cancelled_is_not_waited_for_any_longer(fleet: Fleet) -> None:
    words = ("node", "power", "reboot", "--delay", "600", "--wait-for-return", "--async", "-T", "host2")
    job = fleet.client(*words).json["job_id"]
    eventually(lambda: _pending(fleet), "the reboot is not planned")
    assert fleet.client("node", "power", "cancel", "-T", "host2").status == 0
    eventually(lambda: _status(fleet, job) == "failed", "the job still waits")
    assert "will not come back" in fleet.client("job", "get", "--job-id", job).json["error"]


def test_a_host_that_does_not_come_back_in_time_has_timed_out_and_says_so_when_it_does(fleet: Fleet) -> None:
    """Its agent is kept from starting with the host, and started by hand when the time is over."""
    fleet.bed("exec", 2, "systemctl", "disable", "osapi-agent")
    words = ("node", "power", "reboot", "--wait-for-return", "--return-timeout", "10", "-T", "host2")
    answer = fleet.client(*words)
    assert answer.status == 4, answer
    job = json.loads(answer.stderr or answer.stdout)["job_id"]
    assert _status(fleet, job) == "timeout"
    eventually(lambda: fleet.bed("enter", 2, "true", check=False) == "", "host2 is not back")
    fleet.bed("exec", 2, "systemctl", "enable", "--now", "osapi-agent")
    eventually(lambda: "host2" in fleet.client("job", "get", "--job-id", job).json["responses"], "no answer came")
    told = fleet.client("job", "get", "--job-id", job).json["responses"]["host2"]
    assert (told["status"], told["code"]) == ("timeout", "timeout")
    assert "is back after" in told["error"]


def test_an_agent_that_is_restarted_before_the_reboot_still_waits(fleet: Fleet) -> None:
    before = fleet.bed("enter", 3, "cat", BOOT_ID)
    words = ("node", "power", "reboot", "--delay", "8", "--wait-for-return", "--async", "-T", "host3")
    job = fleet.client(*words).json["job_id"]
    eventually(lambda: _status(fleet, job) == "processing", "the job has not begun")
    fleet.bed("exec", 3, "systemctl", "kill", "--signal=KILL", "osapi-agent")
    eventually(lambda: _status(fleet, job) == "completed", "the job was not completed", 60)
    assert fleet.bed("enter", 3, "cat", BOOT_ID) != before


def test_a_shutdown_is_not_waited_for(fleet: Fleet) -> None:
    answer = fleet.client("node", "power", "shutdown", "--wait-for-return", "-T", "host2")
    assert (answer.status, json.loads(answer.stderr)["status"]) == (1, 400)


def test_a_host_that_runs_a_broker_stays_up(fleet: Fleet) -> None:
    """A program of that name is enough: whoever runs one knows why."""
    fleet.bed("exec", 3, "sh", "-c", "cp /bin/sleep /run/nats-server && systemd-run --quiet /run/nats-server 300")
    answer = fleet.client("node", "power", "shutdown", "-T", "host3")
    assert json.loads(answer.stderr)["code"] == "protected"
    assert _pending(fleet, 3) is False
    assert fleet.client("node", "power", "shutdown", "--force", "--delay", "600", "-T", "host3").status == 0
    assert fleet.client("node", "power", "cancel", "-T", "host3").status == 0
    fleet.bed("exec", 3, "pkill", "-x", "nats-server")


def allow(fleet: Fleet, host: int, *paths: str) -> None:
    """Let files be fetched from a host, and wait until its agent is back with that."""
    file = "/etc/osapi/osapi.yaml"
    settings = yaml.safe_load(fleet.bed("enter", host, "cat", file))
    settings["agent"]["fetch"] = {"paths": [*paths], "max_bytes": 100_000_000}
    fleet.bed.write(host, file, yaml.safe_dump(settings).encode())
    began = fleet.client("agent", "get", "--hostname", f"host{host}").json["started_at"]
    fleet.bed("exec", host, "systemctl", "restart", "osapi-agent")
    eventually(
        lambda: fleet.client("agent", "get", "--hostname", f"host{host}").json["started_at"] != began,
        "no agent came back",
    )


def fetch(fleet: Fleet, path: str, *words: str, host: str = "host1") -> Answer:
    return fleet.client("node", "file", "fetch", "--path", path, "-T", host, *words)


def test_a_file_is_fetched_where_its_host_allows_it(fleet: Fleet, tmp_path: Path) -> None:
    fleet.bed(
        "exec",
        1,
        "sh",
        "-c",
        "mkdir -p /srv/out && head -c 50000000 /dev/urandom > /srv/out/big && chmod 600 /srv/out/big",
    )
    place = tmp_path / "big"
    refused = fetch(fleet, "/srv/out/big", "--output", str(place))
    assert (refused.status, json.loads(refused.stderr)["code"]) == (3, "protected")
    assert "agent.fetch.paths" in json.loads(refused.stderr)["error"]

    allow(fleet, 1, "/srv/out")
    answer = fetch(fleet, "/srv/out/big", "--output", str(place))
    assert answer.status == 0, answer
    digest = fleet.bed("enter", 1, "sha256sum", "/srv/out/big").split()[0]
    assert hashlib.sha256(place.read_bytes()).hexdigest() == digest
    entry = answer.results["host1"]
    assert (entry["sha256"], entry["size"], entry["mode"], entry["uid"]) == (digest, 50_000_000, "0600", 0)


def test_nothing_leads_out_of_what_a_host_allows(fleet: Fleet, tmp_path: Path) -> None:
    allow(fleet, 1, "/srv/out", "/var/lib/osapi")
    fleet.bed(
        "exec",
        1,
        "sh",
        "-c",
        "mkdir -p /srv/out; ln -sf /etc/shadow /srv/out/link; ln -sfn /etc /srv/out/folder; mkfifo /srv/out/fifo || true",
    )
    place = tmp_path / "stolen"
    for path in (
        "/etc/shadow",
        "/srv/out/link",
        "/srv/out/folder/shadow",
        "/srv/out/fifo",
        "/srv/out/../../etc/shadow",
        "/srv/outside",
        "/var/lib/osapi/agent/agent.seed",
    ):
        answer = fetch(fleet, path, "--output", str(place))
        assert answer.status in (1, 3), (path, answer)
        assert not place.exists()


def test_a_file_that_is_too_large_is_refused_and_says_why(fleet: Fleet, tmp_path: Path) -> None:
    allow(fleet, 1, "/srv/out")
    fleet.bed("exec", 1, "sh", "-c", "mkdir -p /srv/out; truncate -s 200M /srv/out/huge")
    answer = fetch(fleet, "/srv/out/huge", "--output", str(tmp_path / "huge"))
    assert answer.status == 3
    assert "agent.fetch.max_bytes" in answer.results["host1"]["error"]


def test_what_another_tool_needs_to_run_things_here_is_there(fleet: Fleet, tmp_path: Path) -> None:
    """As a connection of such a tool works: put a file, run it with input, as somebody else, take the status, fetch a file."""
    allow(fleet, 1, "/tmp/tool")
    program = b'#!/bin/sh\nread line\necho "$USER $(pwd) $GREETING $line"\necho oops >&2\nhead -c 5000000 /dev/zero\nexit 42\n'
    (tmp_path / "program").write_bytes(program)
    assert fleet.client("file", "upload", "--name", "tool", "--file", str(tmp_path / "program")).status == 0
    made = fleet.client(
        "node", "command", "exec", "--command", "mkdir", "--args", "-p", "--args", "/tmp/tool", "-T", "host1"
    )
    assert made.status == 0, made
    put = ("node", "file", "deploy", "--object", "tool", "--path", "/tmp/tool/run", "--mode", "0755", "-T", "host1")
    assert fleet.client(*put).status == 0
    words = (
        "--command",
        "/tmp/tool/run",
        "--user",
        "nobody",
        "--cwd",
        "/tmp",
        "--env",
        "GREETING=hello",
        "--stdin",
        "you\n",
    )
    ran = fleet.client("node", "command", "exec", *words, "--keep-output", "-T", "host1")
    entry, job = ran.results["host1"], ran.json["job_id"]
    assert (entry["exit_code"], entry["stderr"], entry["truncated"]) == (42, "oops\n", True)
    assert entry["stdout"].startswith("nobody /tmp hello you\n")
    assert (
        fleet.client("job", "output", "--job-id", job, "--name", "stdout", "--output", str(tmp_path / "out")).status
        == 0
    )
    assert (tmp_path / "out").read_bytes() == b"nobody /tmp hello you\n" + bytes(5_000_000)
    assert fetch(fleet, "/tmp/tool/run", "--output", str(tmp_path / "back")).status == 0
    assert (tmp_path / "back").read_bytes() == program


def _processes(fleet: Fleet) -> int:
    """How many processes host1 has, by its /proc."""
    return int(fleet.bed("enter", 1, "sh", "-c", "ls -d /proc/[0-9]* | wc -l"))


def _pending(fleet: Fleet, host: int = 2) -> bool:
    """What logind itself notes."""
    return fleet.bed("enter", host, "sh", "-c", "cat /run/systemd/shutdown/scheduled 2>/dev/null || true") != ""


def _data(line: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(line).get("data")
    return found


def _status(fleet: Fleet, job: str) -> str:
    status: str = fleet.client("job", "get", "--job-id", job).json["status"]
    return status
