"""The whole way on real Debian hosts: command line, controller, broker, agent, and the effect on the system."""

from __future__ import annotations

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

FORWARD = "net.ipv4.ip_forward"


def sysctl(fleet: Fleet, host: int, key: str = FORWARD) -> str:
    """The value that the kernel of a host uses."""
    return fleet.bed("enter", host, "sysctl", "-n", key)


def test_every_host_tells_its_name(fleet: Fleet) -> None:
    answer = fleet.client("node", "hostname", "get", "-T", "_all")
    assert answer.status == 0
    assert {name: entry["status"] for name, entry in answer.results.items()} == {
        f"host{host}": "ok" for host in (1, 2, 3)
    }


def test_a_label_reaches_the_hosts_below_it(fleet: Fleet) -> None:
    assert set(fleet.client("node", "hostname", "get", "-T", "group:web").results) == {"host1", "host2", "host3"}
    assert set(fleet.client("node", "hostname", "get", "-T", "group:web.dev").results) == {"host1"}


def test_a_kernel_parameter_is_set_kept_over_a_restart_and_given_back(fleet: Fleet) -> None:
    before = sysctl(fleet, 1)
    made = fleet.client("node", "sysctl", "create", "-T", "host1", "--key", FORWARD, "--value", "1")
    assert made.status == 0, made
    assert made.results["host1"].get("changed") is True, made
    assert (sysctl(fleet, 1), sysctl(fleet, 2)) == ("1", before)

    again = fleet.client("node", "sysctl", "create", "-T", "host1", "--key", FORWARD, "--value", "1")
    assert again.results["host1"]["changed"] is False

    fleet.bed("exec", 1, "systemctl", "reboot", check=False)
    eventually(lambda: fleet.client("node", "uptime", "get", "-T", "host1").status == 0, "host1 did not come back")
    assert sysctl(fleet, 1) == "1"
    assert fleet.client("node", "sysctl", "get", "-T", "host1", "--key", FORWARD).results["host1"]["in_sync"] is True

    gone = fleet.client("node", "sysctl", "delete", "-T", "host1", "--key", FORWARD)
    assert (gone.status, sysctl(fleet, 1)) == (0, before)
    assert f"osapi-{FORWARD}.conf" not in fleet.bed("enter", 1, "ls", "/etc/sysctl.d")


def test_check_mode_tells_what_would_change_and_changes_nothing(fleet: Fleet) -> None:
    before = sysctl(fleet, 2)
    told = fleet.client("node", "sysctl", "create", "-T", "host2", "--key", FORWARD, "--value", "1", "--check")
    assert told.results["host2"]["changed"] is True
    assert "+net.ipv4.ip_forward = 1" in told.results["host2"]["diff"]
    assert sysctl(fleet, 2) == before


def test_a_command_that_runs_out_of_time_leaves_nothing_running(fleet: Fleet) -> None:
    text = "sleep 4711 & sleep 4711"
    answer = fleet.client("node", "command", "shell", "-T", "host1", "--command", text, "--timeout", "1")
    assert answer.status != 0
    assert fleet.bed("enter", 1, "sh", "-c", "pgrep -fc '^sleep 4711' || true") == "0"


def test_a_job_for_a_host_whose_cable_is_pulled_runs_once_when_it_is_back(fleet: Fleet) -> None:
    fleet.bed("cut", 2)
    text = "echo once >> /root/ran"
    job = fleet.client("node", "command", "shell", "-T", "host2", "--command", text, "--async").json["job_id"]
    fleet.bed("heal", 2)
    eventually(lambda: _status(fleet, job) == "completed", "the job did not reach the host")
    assert fleet.bed("enter", 2, "cat", "/root/ran") == "once"


def test_a_renamed_host_answers_by_its_new_name(fleet: Fleet) -> None:
    answer = fleet.client("node", "hostname", "update", "-T", "host2", "--name", "web-02")
    assert answer.status == 0
    assert fleet.bed("enter", 2, "hostname") == "web-02"
    assert fleet.bed("enter", 2, "cat", "/etc/hostname") == "web-02"
    eventually(lambda: fleet.client("node", "hostname", "get", "-T", "web-02").status == 0, "the new name is not known")
    assert fleet.client("node", "hostname", "update", "-T", "web-02", "--name", "host2").status == 0
    eventually(lambda: fleet.client("node", "hostname", "get", "-T", "host2").status == 0, "the old name is not known")


def _status(fleet: Fleet, job: str) -> str:
    status: str = fleet.client("job", "get", "--job-id", job).json["status"]
    return status
