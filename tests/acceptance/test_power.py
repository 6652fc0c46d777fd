"""Reboot and shutdown of real Debian hosts."""

from __future__ import annotations

import json

import pytest
from tests.acceptance.fleet import Answer, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

BOOT_ID = "/proc/sys/kernel/random/boot_id"
NOTE = "/run/systemd/shutdown/scheduled"


def power(fleet: Fleet, *words: str) -> Answer:
    return fleet.client("node", "power", *words, "-T", "host1")


def pending(fleet: Fleet) -> str:
    """What logind itself says, by D-Bus: kind and microseconds since 1970."""
    where = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
    return fleet.bed("enter", 1, "busctl", "get-property", *where, "ScheduledShutdown")


def test_a_shutdown_is_scheduled_once_and_cancelled(fleet: Fleet) -> None:
    words = ("shutdown", "--delay", "3600", "--message=-c")
    foretold = power(fleet, *words, "--check").results["host1"]
    assert (foretold["changed"], pending(fleet)) == (True, '(st) "" 18446744073709551615')
    assert "shutdown at" in foretold["diff"]

    made = power(fleet, *words).results["host1"]
    assert (made["changed"], made["action"], made["delay"]) == (True, "shutdown", 3600), made
    assert pending(fleet).startswith('(st) "poweroff"')
    assert "WALL_MESSAGE=-c\n" in fleet.bed("enter", 1, "cat", NOTE) + "\n"
    before = pending(fleet)

    assert power(fleet, *words).results["host1"]["changed"] is False
    assert pending(fleet) == before
    told = power(fleet, "get").results["host1"]
    assert (told["pending"], told["action"], told["message"]) == (True, "shutdown", "-c")

    other = power(fleet, "reboot", "--delay", "1800")
    assert other.status != 0
    assert (json.loads(other.stderr)["code"], pending(fleet)) == ("conflict", before)
    assert power(fleet, "reboot", "--delay", "1800", "--replace").results["host1"]["changed"] is True
    assert pending(fleet).startswith('(st) "reboot"')

    assert power(fleet, "cancel", "--check").results["host1"]["changed"] is True
    assert pending(fleet).startswith('(st) "reboot"')
    assert power(fleet, "cancel").results["host1"]["changed"] is True
    assert pending(fleet).startswith('(st) ""')
    assert power(fleet, "cancel").results["host1"]["changed"] is False


def test_the_answer_of_a_reboot_arrives_and_the_host_comes_back(fleet: Fleet) -> None:
    before = fleet.bed("enter", 1, "cat", BOOT_ID)
    assert power(fleet, "get").results["host1"]["boot_id"] == before
    answer = power(fleet, "reboot")
    assert answer.status == 0, answer
    assert (answer.results["host1"]["changed"], answer.results["host1"]["delay"]) == (True, 5)
    assert fleet.bed("enter", 1, "cat", BOOT_ID) == before

    eventually(lambda: _boot_id(fleet) not in ("", before), "the host was not rebooted, or its agent is not back", 60)
    assert _boot_id(fleet) == fleet.bed("enter", 1, "cat", BOOT_ID)
    job = fleet.client("job", "get", "--job-id", answer.json["job_id"]).json
    assert job["status"] == "completed"
    assert power(fleet, "get").results["host1"]["pending"] is False


def _boot_id(fleet: Fleet) -> str:
    """As the agent tells it; empty while it does not answer."""
    told = power(fleet, "get")
    found: str = told.results["host1"].get("boot_id", "") if told.status == 0 else ""
    return found
