"""Row 26 of the fault matrix: agent and dpkg are killed in the middle of a package's scripts, on a real Debian host."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOST = 1
SLOW = "osapi-slow"
MOMENTS = 8
AXE = "systemctl kill --signal=KILL osapi-agent"
"""Kills the agent and everything that it has started; systemd starts it again."""
INSTALL, UPGRADE, REMOVE = ("install", "--version", "1.0"), ("install",), ("remove",)


@dataclass(frozen=True)
class Kill:
    """In which script of the package the axe falls, and during what."""

    script: str
    doing: tuple[str, ...]


KILLS = [
    *(Kill(script, INSTALL) for script in ("preinst", "postinst")),
    *(Kill(script, UPGRADE) for script in ("prerm", "preinst", "postrm", "postinst")),
    *(Kill(script, REMOVE) for script in ("prerm", "postrm")),
]


@pytest.fixture
def host(fleet: Fleet) -> Iterator[Fleet]:
    shell(fleet, "find /var/lib/apt/lists -name '*_Packages' | grep -q . || apt-get -qq update")
    yield fleet
    shell(fleet, "rm -f /run/osapi-slow.*; dpkg --purge osapi-slow osapi-probe 2>/dev/null")


def shell(fleet: Fleet, line: str) -> str:
    return fleet.bed("enter", HOST, "sh", "-c", line)


def package(fleet: Fleet, *words: str) -> dict[str, Any]:
    """The host's entry in the answer to a call that goes well."""
    answer = fleet.client("node", "package", *words, "-T", f"host{HOST}")
    assert answer.status == 0, answer
    return answer.results[f"host{HOST}"]


def killed(fleet: Fleet, kill: Kill) -> dict[str, Any]:
    """Let a job come into the script, kill all that belongs to the agent, and return what became of the job."""
    shell(fleet, f"dpkg --purge {SLOW} osapi-probe 2>/dev/null; touch /run/{SLOW}.{kill.script}")
    if kill.doing is not INSTALL:
        shell(fleet, f"mv /run/{SLOW}.{kill.script} /run/later; dpkg -i /srv/repo/{SLOW}_1.0_all.deb")
        shell(fleet, f"mv /run/later /run/{SLOW}.{kill.script}")
    job = begun(fleet, kill)
    shell(fleet, AXE)
    shell(fleet, f"rm /run/{SLOW}.{kill.script}")
    return outcome(fleet, job)


def begun(fleet: Fleet, kill: Kill) -> str:
    """A job that has come into the script, where it waits."""
    words = ("node", "package", *kill.doing, "--name", SLOW, "-T", f"host{HOST}", "--async")
    job: str = fleet.client(*words).json["job_id"]
    running = f"ps -eo args | grep -E '^/bin/sh .*(tmp.ci/|{SLOW}[.]){kill.script} ' || true"
    eventually(lambda: shell(fleet, running), f"dpkg did not come to {kill}")
    return job


def outcome(fleet: Fleet, job: str) -> dict[str, Any]:
    """The job, once it has ended."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(fleet.client("job", "get", "--job-id", job).json)
        return found["status"] in ("failed", "completed", "interrupted")

    eventually(ended, f"job {job} did not end", 60)
    shell(fleet, "systemctl reset-failed osapi-agent")
    return found


def test_row_26_what_a_kill_leaves_is_found_named_and_repaired(host: Fleet) -> None:
    named, repaired, audit = 0, 0, 0
    for kill in KILLS:
        job = killed(host, kill)
        assert int(shell(host, "dpkg --audit | wc -l")) > 0, f"{kill} has done no harm"
        assert job["status"] == "failed", job
        named += all(word in str(job) for word in ("needs_repair", SLOW, "package repair"))

        foretold = package(host, "repair", "--check")
        assert (foretold["changed"], SLOW in foretold["broken"]) == (True, True), foretold
        assert int(shell(host, "dpkg --audit | wc -l")) > 0, "check mode has repaired"
        done = package(host, "repair")
        repaired += done["changed"] is True
        audit += int(shell(host, "dpkg --audit | wc -l"))
        assert package(host, "repair")["changed"] is False
        package(host, *kill.doing, "--name", SLOW)
    print(
        f"\nrow 26: kills in scripts of a package = {len(KILLS)}, found and named = {named}, "
        f"repaired = {repaired}, lines of dpkg --audit afterwards = {audit}"
    )
    assert (named, repaired, audit) == (len(KILLS), len(KILLS), 0)


def test_row_26_a_kill_at_any_moment_leaves_nothing_that_cannot_be_repaired(host: Fleet) -> None:
    harmed, audit, kill = 0, 0, Kill("preinst", UPGRADE)
    for _ in range(MOMENTS):
        shell(host, f"dpkg --purge {SLOW} osapi-probe 2>/dev/null; touch /run/{SLOW}.preinst")
        job = begun(host, kill)
        shell(host, f"rm /run/{SLOW}.preinst; sleep {random.uniform(0, 0.3):.3f}; {AXE}")
        assert outcome(host, job)["status"] in ("failed", "completed")
        harmed += shell(host, "dpkg --audit") != ""
        package(host, "repair")
        audit += int(shell(host, "dpkg --audit | wc -l"))
        package(host, "install", "--name", SLOW)
    print(
        f"\nrow 26: kills at random moments = {MOMENTS}, with harm = {harmed}, "
        f"lines of dpkg --audit after repair = {audit}"
    )
    assert audit == 0
