"""Processes of real Debian hosts, told and ended; looked at with ps(1) and kill(1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

BUSY = "/usr/local/bin/osapi-test-busy"


def is_there(fleet: Fleet, pid: str) -> bool:
    return fleet.bed("enter", 1, "sh", "-c", f"kill -0 {pid} 2>/dev/null && echo yes || true") == "yes"


def property_of(fleet: Fleet, unit: str, name: str) -> str:
    return fleet.bed("enter", 1, "systemctl", "show", "--property", name, "--value", unit)


@pytest.fixture
def victim(fleet: Fleet) -> Iterator[str]:
    """A service that does nothing for a long time; its number."""
    fleet.bed("enter", 1, "systemd-run", "--unit=osapi-test-victim", "--uid=nobody", "/bin/sleep", "4713")
    yield property_of(fleet, "osapi-test-victim", "MainPID")
    fleet.bed("enter", 1, "systemctl", "stop", "osapi-test-victim", check=False)


def test_processes_are_those_that_ps_sees(fleet: Fleet, victim: str) -> None:
    answer = fleet.client("node", "process", "list", "-T", "host1")
    assert answer.status == 0, answer
    told = {str(one["pid"]): one for one in answer.results["host1"]["processes"]}
    seen = dict(line.split(None, 1) for line in fleet.bed("enter", 1, "ps", "-eo", "pid=,user:32=").splitlines())
    assert {"1", victim} <= told.keys() & seen.keys()
    assert {pid: told[pid]["user"] for pid in told.keys() & seen.keys()} == {
        pid: seen[pid] for pid in told.keys() & seen.keys()
    }
    found = told[victim]
    assert (found["name"], found["command"], found["unit"]) == ("sleep", "/bin/sleep 4713", "osapi-test-victim.service")


def test_one_process_is_told_and_an_unknown_one_is_404(fleet: Fleet, victim: str) -> None:
    answer = fleet.client("node", "process", "get", "-T", "host1", "--pid", victim)
    found = answer.results["host1"]["process"]
    resident = int(fleet.bed("enter", 1, "ps", "-o", "rss=", "-p", victim)) * 1024
    assert (found["user"], found["state"], found["mem_rss"]) == ("nobody", "sleep", resident)
    unknown = fleet.client("node", "process", "get", "-T", "host1", "--pid", "4194303")
    assert unknown.status == 3
    assert "there is no process 4194303" in unknown.stdout + unknown.stderr


def test_a_busy_process_shows_in_a_sample(fleet: Fleet) -> None:
    fleet.bed.write(1, BUSY, b"#!/bin/sh\nwhile :; do :; done\n", mode="755")
    fleet.bed("enter", 1, "systemd-run", "--unit=osapi-test-busy", BUSY)
    try:
        words = ("node", "process", "list", "-T", "host1", "--sample", "1000", "--sort", "cpu", "--limit", "1")
        (found,) = fleet.client(*words).results["host1"]["processes"]
        assert str(found["pid"]) == property_of(fleet, "osapi-test-busy", "MainPID")
        assert found["cpu_percent"] > 5
    finally:
        fleet.bed("enter", 1, "systemctl", "kill", "--signal=KILL", "osapi-test-busy", check=False)


def test_a_signal_ends_a_process_and_check_mode_does_not(fleet: Fleet, victim: str) -> None:
    words = ("node", "process", "signal", "-T", "host1", "--pid", victim, "--signal", "TERM", "--name", "sleep")
    told = fleet.client(*words, "--check").results["host1"]
    assert (told["changed"], told["diff"]) == (True, f"SIGTERM to process {victim} (sleep, user nobody)")
    assert is_there(fleet, victim)

    done = fleet.client(*words)
    assert done.status == 0, done
    assert done.results["host1"]["changed"] is True
    eventually(lambda: not is_there(fleet, victim), "the process lives on")
    again = fleet.client(*words)
    assert again.status == 3
    assert f"there is no process {victim}" in again.stdout + again.stderr


def test_a_signal_for_another_process_is_not_sent(fleet: Fleet, victim: str) -> None:
    words = ("node", "process", "signal", "-T", "host1", "--pid", victim, "--signal", "KILL", "--name", "sshd")
    assert fleet.client(*words).status == 3
    assert is_there(fleet, victim)


def test_init_and_the_agent_are_spared(fleet: Fleet) -> None:
    agent = property_of(fleet, "osapi-agent", "MainPID")
    for pid in ("1", agent):
        refused = fleet.client("node", "process", "signal", "-T", "host1", "--pid", pid, "--signal", "KILL")
        assert refused.status == 3
        assert re.search("init of the system|is the OSAPI agent", refused.stdout + refused.stderr)
    assert property_of(fleet, "osapi-agent", "MainPID") == agent
    for pid in ("0", "-1"):
        assert fleet.client("node", "process", "signal", "-T", "host1", f"--pid={pid}", "--signal", "KILL").status == 1
