"""What a host can do follows from what it says it is, and from the programs that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOST = 3
RELEASE = "/etc/os-release"
MINT = "ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=22\n"
ALPINE = "ID=alpine\nVERSION_ID=3.22.0\n"


def ask(fleet: Fleet, *words: str) -> dict[str, Any]:
    """The host's entry, whatever its status."""
    answer = fleet.client("node", *words, "-T", f"host{HOST}")
    entry: dict[str, Any] = answer.results.get(f"host{HOST}", {}) if answer.stdout else {}
    return entry


def restart(fleet: Fleet) -> None:
    """The agent looks once, at its start."""
    fleet.bed("enter", HOST, "systemctl", "restart", "osapi-agent")
    eventually(lambda: ask(fleet, "os", "get").get("status") == "ok", "the agent did not come back")


@pytest.fixture
def release(fleet: Fleet, request: pytest.FixtureRequest) -> Iterator[None]:
    """A host that says it is of another distribution."""
    fleet.bed("enter", HOST, "rm", RELEASE)
    fleet.bed.write(HOST, RELEASE, request.param.encode())
    restart(fleet)
    yield
    fleet.bed("enter", HOST, "ln", "-sfn", "../usr/lib/os-release", RELEASE)
    restart(fleet)


@pytest.mark.parametrize("release", [MINT], indirect=True)
def test_a_descendant_of_debian_has_its_packages(fleet: Fleet, release: None) -> None:
    assert ask(fleet, "os", "get")["os_info"]["family"] == "debian"
    assert ask(fleet, "package", "list")["status"] == "ok"


@pytest.mark.parametrize("release", [ALPINE], indirect=True)
def test_another_distribution_has_what_needs_none(fleet: Fleet, release: None) -> None:
    assert ask(fleet, "os", "get")["os_info"]["distribution"] == "alpine"
    assert ask(fleet, "process", "list")["status"] == "ok"
    refused = ask(fleet, "package", "list")
    assert (refused["status"], refused["code"]) == ("skipped", "unsupported"), refused
    assert refused["error"] == "package is not supported on alpine"


def test_a_missing_program_is_skipped_by_its_name(fleet: Fleet) -> None:
    fleet.bed("enter", HOST, "mv", "/usr/bin/journalctl", "/usr/bin/journalctl.away")
    try:
        refused = ask(fleet, "log", "query")
    finally:
        fleet.bed("enter", HOST, "mv", "/usr/bin/journalctl.away", "/usr/bin/journalctl")
    assert (refused["status"], refused["code"]) == ("skipped", "missing_tool"), refused
    assert "journalctl" in refused["error"]
    assert ask(fleet, "log", "query")["status"] == "ok"
