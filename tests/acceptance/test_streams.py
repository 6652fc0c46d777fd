"""What real Debian hosts give out while they work, and what stops when nobody listens any more."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.acceptance.fleet import OSAPI, Fleet, eventually
from tests.figures import figures

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOSTS = (1, 2, 3)
BOOT_ID = "/proc/sys/kernel/random/boot_id"


@contextmanager
def following(fleet: Fleet, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`osapi client …`, whose output is read line by line; ended as by Ctrl-C."""
    process = subprocess.Popen(
        [OSAPI, "client", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=fleet.environ,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def until(process: subprocess.Popen[str], *wanted: str) -> list[str]:
    """The lines up to the one by which everything wanted has been printed."""
    assert process.stdout is not None
    lines: list[str] = []
    while not all(any(text in line for line in lines) for text in wanted):
        line = process.stdout.readline()
        assert line, lines
        lines.append(line)
    return lines


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
    job = fleet.client("job", "list", "--operation", "node.log.query", "--limit", "1").json["jobs"][0]
    eventually(lambda: _status(fleet, job["id"]) == "cancelled", "the job was not cancelled")


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
