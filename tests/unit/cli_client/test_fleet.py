from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import MACHINE, FakeController

from osapi.cli.agent_report import age


def _ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def _agent(**more: Any) -> dict[str, Any]:
    return {
        "machine_id": MACHINE,
        "hostname": "web-01",
        "status": "Ready",
        "state": "Ready",
        "labels": {"group": "web"},
        "registered_at": _ago(days=3, hours=4),
        "heartbeat_at": _ago(seconds=5),
        "os_info": {"distribution": "debian", "version": "12.11"},
        "load_average": {"1min": 0.5, "5min": 1, "15min": 2},
        "memory": {"total": 2**30, "free": 0, "used": 2**29},
        "cpu_count": 4,
        **more,
    }


def test_agents_are_listed(cli: Cli, controller: FakeController) -> None:
    silent = {"machine_id": "b", "hostname": "b", "status": "NotReady", "state": "Ready"}
    loaded = _agent(conditions=[{"type": "HighLoad", "status": True}, {"type": "DiskPressure", "status": False}])
    controller.answer({"agents": [loaded, silent, _agent(state="Cordoned")], "total": 3})
    ran = cli("client", "agent", "list")
    assert controller.asked[0].path == "/api/agent"
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["MACHINE", "ID", "HOSTNAME", "STATUS", "CONDITIONS", "LABELS", "AGE", "LOAD", "(1M)", "OS"],
        [MACHINE, "web-01", "Ready", "HighLoad", "group=web", "3d", "4h", "0.50", "debian", "12.11"],
        ["b", "b", "NotReady"],
        [MACHINE, "web-01", "Cordoned", "group=web", "3d", "4h", "0.50", "debian", "12.11"],
    ]


def test_what_was_not_believed_is_shown(cli: Cli, controller: FakeController) -> None:
    item = {
        "timestamp": "2026-01-31T12:00:00Z", "saying": "result", "doubt": "unreadable", "key": "responses.x.y",
        "machine_id": "m1", "job_id": "j1", "signed_by": "SHA256:ab",
    }  # fmt: skip
    controller.answer({"total": 7, "items": [item, {**item, "machine_id": "m\x1b[2J"}]})
    ran = cli("client", "agent", "quarantine", "--limit", "2")
    assert controller.asked[0].path == "/api/agent/quarantine?limit=2"
    assert ran.out.splitlines()[2].split() == ["2026-01-31T12:00:00Z", "m1", "result", "unreadable", "j1", "SHA256:ab"]
    assert ran.out.endswith("\n  7 not believed since this controller began\n")
    assert "\x1b" not in ran.out


def test_one_agent_is_described(cli: Cli, controller: FakeController) -> None:
    controller.answer(_agent())
    ran = cli("client", "agent", "get", "--hostname", "web-01")
    assert controller.asked[0].path == "/api/agent/web-01"
    for line in (
        "State: Ready",
        "Load: 0.50, 1.00, 2.00",
        "Memory: 512.0 MiB of 1.0 GiB used",
        "CPUs: 4",
        "Age: 3d 4h",
    ):
        assert f"  {line}\n" in ran.out
    assert "Last Seen: 5s ago" in ran.out or "Last Seen: 6s ago" in ran.out
    assert json.loads(cli("client", "agent", "get", "--hostname", "web-01", "-j").out)["hostname"] == "web-01"


def test_agents_of_a_target_are_listed(cli: Cli, controller: FakeController) -> None:
    controller.answer({"agents": [_agent()], "total": 1})
    assert cli("client", "agent", "list", "--target", "group:web and not @fact.os:x").status == 0
    assert controller.asked[0].path == "/api/agent?target=group%3Aweb%20and%20not%20%40fact.os%3Ax"


FACTS = {
    "fqdn": "web-01.example.org",
    "service_mgr": "systemd",
    "package_mgr": "apt",
    "container": "none",
    "primary_interface": "eth0",
    "interfaces": [
        {"name": "eth0", "addresses": ["192.0.2.7/24", "fe80::1/64"], "mac": "02:00:00:00:00:01"},
        {"name": "x"},
    ],
    "routes": [{"destination": "0.0.0.0", "gateway": "192.0.2.1", "interface": "eth0", "mask": "/0", "metric": 100}],
    "disks": [{"name": "sda", "size": 2**30, "model": "X"}],
    "mounts": [
        {"path": "/", "device": "/dev/sda1", "type": "ext4", "size": 2**30},
        {"path": "/srv", "device": "d", "type": "xfs"},
    ],
    "facts": {"role": "db", "app": {"port": 80}},
    "fact_problems": [{"source": "/etc/osapi/facts.d/x", "error": "it is no JSON"}],
}


def test_an_agent_is_described_with_the_facts_of_its_host(cli: Cli, controller: FakeController) -> None:
    controller.answer(_agent(**FACTS))
    ran = cli("client", "agent", "get", "--hostname", "web-01")
    for line in (
        "FQDN: web-01.example.org",
        "Service Mgr: systemd",
        "Package Mgr: apt",
        "Primary Iface: eth0",
        "Interface eth0: 192.0.2.7/24, fe80::1/64, 02:00:00:00:00:01",
        "Disk sda: 1.0 GiB, X",
        "Mount /: /dev/sda1, ext4, 1.0 GiB",
        "Mount /srv: d, xfs",
        "Fact role: db",
        "Fact app: port=80",
        "Broken /etc/osapi/facts.d/x: it is no JSON",
    ):
        assert f"  {line}\n" in ran.out
    assert (
        "  DESTINATION  GATEWAY    INTERFACE  MASK  METRIC\n  0.0.0.0      192.0.2.1  eth0       /0    100\n" in ran.out
    )


def test_the_keys_of_facts_are_listed(cli: Cli, controller: FakeController) -> None:
    keys = [
        {"key": "hostname", "description": "Name of the host.", "builtin": True},
        {"key": "custom.role", "description": "Custom fact of 2 hosts.", "builtin": False},
    ]
    controller.answer({"keys": keys})
    ran = cli("client", "facts", "keys")
    assert controller.asked[0].path == "/api/facts/keys"
    assert [line.split()[:3] for line in ran.out.splitlines()[1:]] == [
        ["KEY", "BUILT", "IN"],
        ["hostname", "yes", "Name"],
        ["custom.role", "no", "Custom"],
    ]


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ({"seconds": 0.5}, "0s"),
        ({"minutes": 5, "seconds": 2.5}, "5m 2s"),
        ({"hours": 30, "minutes": 1}, "1d 6h"),
        ({"days": -1}, "0s"),
    ],
)
def test_ages_are_for_people(time: dict[str, float], told: str) -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert age((now - timedelta(**time)).isoformat(), now) == told


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-01-31T12:00:00"])
def test_what_is_no_time_has_no_age(text: str | None) -> None:
    assert age(text, datetime(2026, 1, 31, tzinfo=UTC)) == ""


def test_health_is_told(cli: Cli, controller: FakeController) -> None:
    controller.answer({"status": "ok"}).answer({"status": "ready"})
    assert cli("client", "health", "liveness").out == "  Status: ok\n"
    ran = cli("client", "health", "ready")
    assert (ran.status, ran.out) == (0, "  Status: ready\n")


def test_not_being_ready_is_an_answer_with_a_status(cli: Cli, controller: FakeController) -> None:
    controller.answer({"status": "not_ready", "error": "no broker"}, status=503)
    ran = cli("client", "health", "ready")
    assert (ran.status, ran.out, ran.err) == (1, "  Status: not_ready\n  Error: no broker\n", "")
    assert json.loads(cli("client", "health", "ready", "--json").out) == {"status": "not_ready", "error": "no broker"}
    assert len(controller.asked) == 2
