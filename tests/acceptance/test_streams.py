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

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOSTS = (1, 2, 3)


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
            assert [line for line in lines if f"this is {host}" in line][0].startswith(f"[host{host}] ")
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
        fleet.bed("exec", 1, "systemd-run", "--quiet", "--wait", "--collect", "--unit=floods-on", "--", "sh", "-c", text)
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


def _data(line: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(line).get("data")
    return found


def _status(fleet: Fleet, job: str) -> str:
    status: str = fleet.client("job", "get", "--job-id", job).json["status"]
    return status
