"""What the audit tells of changes on real hosts, and of one whose cable was pulled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]


def entry_of(fleet: Fleet, job: str) -> dict[str, Any]:
    """The only entry of the request that made this job."""
    [found] = fleet.client("audit", "list", "--job-id", job).json["items"]
    entry: dict[str, Any] = found
    return entry


def test_a_change_on_every_host_is_one_entry_with_its_hosts(fleet: Fleet) -> None:
    made = fleet.client("node", "command", "shell", "-T", "_all", "--yes", "--command", "echo once >> /root/audited")
    assert made.status == 0, made
    entry = entry_of(fleet, made.json["job_id"])
    assert (entry["kind"], entry["user"], entry["target"]) == ("change", "admin", "_all")
    assert sorted(entry["hosts"]) == ["host1", "host2", "host3"]
    assert entry["host_states"] == {"completed": 3}
    assert entry["request"]["command"] == "echo once >> /root/audited"
    for host in (1, 2, 3):
        assert fleet.bed("enter", host, "cat", "/root/audited") == "once"


def test_the_entry_of_a_host_whose_cable_is_pulled_is_completed_when_it_is_back(fleet: Fleet) -> None:
    fleet.bed("cut", 2)
    try:
        job = fleet.client("node", "command", "shell", "-T", "host2", "--command", "true", "--async").json["job_id"]
        entry = entry_of(fleet, job)
        assert (entry["response_code"], entry["hosts"], "host_states" in entry) == (202, ["host2"], False)
    finally:
        fleet.bed("heal", 2)
    eventually(lambda: "host_states" in entry_of(fleet, job), "the end of the job was not told")
    assert entry_of(fleet, job)["host_states"] == {"completed": 1}


def test_the_chain_is_whole_after_all_that(fleet: Fleet, tmp_path: Path) -> None:
    verdict = fleet.client("audit", "verify", "--anchor", str(tmp_path / "anchor.json"))
    assert (verdict.status, verdict.json["whole"]) == (0, True), verdict
    output = tmp_path / "audit.jsonl"
    assert fleet.client("audit", "export", "--output", str(output)).status == 0
    assert len(output.read_text().splitlines()) > 3
