"""Cron jobs, certificate authorities and services on real Debian hosts, looked at by other means than our own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.fleet import Answer, Fleet, eventually

pytestmark = pytest.mark.hosts

UNIT = """[Unit]
Description=Probe of the tests
[Service]
ExecStart=/bin/sh -c 'echo {word} > /run/probe; exec sleep infinity'
[Install]
WantedBy=multi-user.target
"""

Upload = Callable[[str, str], None]


@pytest.fixture
def upload(fleet: Fleet, tmp_path: Path) -> Upload:
    """Upload a text under a name, whatever was there before."""

    def put(name: str, text: str) -> None:
        file = tmp_path / "upload"
        file.write_text(text)
        done = fleet.client("file", "upload", "--name", name, "--file", str(file), "--content-type", "raw", "--force")
        assert done.status == 0, done.stderr

    return put


def node(fleet: Fleet, *words: str) -> Answer:
    return fleet.client("node", *words, "-T", "host1")


def changed(fleet: Fleet, *words: str) -> bool:
    answer = node(fleet, *words)
    assert answer.status == 0, answer.stdout + answer.stderr
    (entry,) = answer.results.values()
    return bool(entry["changed"])


def test_a_cron_job_runs(fleet: Fleet, upload: Upload) -> None:
    """Once a minute is the most that cron does; the reading of the file is told in its journal."""
    upload("tests/tick.sh", "#!/bin/sh\ndate +%s >> /run/ticks\n")
    create = ("schedule", "cron", "create", "--name", "tick", "--object", "tests/tick.sh", "--schedule", "* * * * *")
    assert changed(fleet, *create)
    assert not changed(fleet, *create)
    assert fleet.bed(
        "exec", 1, "stat", "-c", "%a %U", "/etc/cron.d/tick", "/usr/local/lib/osapi/cron/tick"
    ).splitlines() == [
        "644 root",
        "755 root",
    ]
    eventually(
        lambda: fleet.bed("exec", 1, "sh", "-c", "cat /run/ticks 2>/dev/null || true"), "cron did not run it", 90
    )
    assert changed(fleet, "schedule", "cron", "update", "--name", "tick", "--schedule", "0 5 * * *")
    assert fleet.bed("exec", 1, "cat", "/etc/cron.d/tick") == "0 5 * * * root /usr/local/lib/osapi/cron/tick"
    assert changed(fleet, "schedule", "cron", "delete", "--name", "tick")
    assert fleet.bed("exec", 1, "sh", "-c", "ls /etc/cron.d /usr/local/lib/osapi/cron | grep -c tick || true") == "0"


def test_the_files_of_packages_are_left_alone(fleet: Fleet) -> None:
    fleet.bed("exec", 1, "sh", "-c", "echo '# a package' > /etc/cron.d/theirs")
    assert node(fleet, "schedule", "cron", "delete", "--name", "theirs").status != 0
    assert fleet.bed("exec", 1, "cat", "/etc/cron.d/theirs") == "# a package"


def authority(folder: Path, name: str, days: int = 30) -> str:
    """A certificate authority of our own."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
         "-keyout", folder / "key.pem", "-out", folder / "ca.pem", "-subj", f"/CN={name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "ca.pem").read_text()


def test_an_authority_is_trusted_and_trusted_no_longer(fleet: Fleet, upload: Upload, tmp_path: Path) -> None:
    pem = authority(tmp_path, "Probe CA")
    upload("tests/probe.pem", pem)
    fleet.bed.write(1, "/tmp/probe.pem", pem.encode())
    verify = "openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /tmp/probe.pem >/dev/null 2>&1 && echo yes || echo no"
    assert fleet.bed("exec", 1, "sh", "-c", verify) == "no"
    create = ("certificate", "create", "--name", "probe", "--object", "tests/probe.pem")
    assert changed(fleet, *create)
    assert fleet.bed("exec", 1, "sh", "-c", verify) == "yes"
    assert not changed(fleet, *create)
    fleet.bed("exec", 1, "sh", "-c", ": > /etc/ssl/certs/ca-certificates.crt")
    assert changed(fleet, *create), "a store that lost it is built again"
    assert fleet.bed("exec", 1, "sh", "-c", verify) == "yes"
    assert changed(fleet, "certificate", "delete", "--name", "probe")
    assert fleet.bed("exec", 1, "sh", "-c", verify) == "no"
    assert "Probe" not in fleet.bed("exec", 1, "ls", "/etc/ssl/certs")


def test_what_is_no_authority_is_refused(fleet: Fleet, upload: Upload) -> None:
    upload("tests/none.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    answer = node(fleet, "certificate", "create", "--name", "none", "--object", "tests/none.pem")
    (entry,) = answer.results.values()
    assert (entry["status"], entry["code"]) == ("failed", "invalid_certificate")
    assert fleet.bed("exec", 1, "sh", "-c", "ls /usr/local/share/ca-certificates | grep -c none || true") == "0"


def test_a_unit_lives_from_create_to_delete(fleet: Fleet, upload: Upload) -> None:
    upload("tests/probe.service", UNIT.format(word="one"))
    create = ("service", "create", "--name", "probe", "--object", "tests/probe.service")
    assert changed(fleet, *create)
    assert not changed(fleet, *create)
    for verb, question, before, after in (
        ("start", "is-active", "inactive", "active"),
        ("enable", "is-enabled", "disabled", "enabled"),
    ):
        assert systemctl(fleet, question) == before
        assert changed(fleet, "service", verb, "--name", "probe", "--check")
        assert systemctl(fleet, question) == before
        assert changed(fleet, "service", verb, "--name", "probe")
        assert systemctl(fleet, question) == after
        assert not changed(fleet, "service", verb, "--name", "probe")
    assert fleet.bed("exec", 1, "cat", "/run/probe") == "one"
    upload("tests/probe.service", UNIT.format(word="two"))
    assert changed(fleet, "service", "update", "--name", "probe", "--object", "tests/probe.service", "--restart")
    eventually(lambda: fleet.bed("exec", 1, "cat", "/run/probe") == "two", "it was not restarted")
    shown = node(fleet, "service", "get", "--name", "osapi-probe").results["host1"]["service"]
    assert (shown["status"], shown["enabled"], shown["managed"]) == ("active", True, True)
    assert changed(fleet, "service", "delete", "--name", "probe")
    assert systemctl(fleet, "is-active") == "inactive"
    assert fleet.bed("exec", 1, "sh", "-c", "ls /etc/systemd/system | grep -c probe || true") == "0"


def test_services_of_the_system_are_reached_by_their_name(fleet: Fleet) -> None:
    assert changed(fleet, "service", "stop", "--name", "cron")
    assert fleet.bed("exec", 1, "sh", "-c", "systemctl is-active cron || true") == "inactive"
    assert changed(fleet, "service", "start", "--name", "cron.service")
    assert fleet.bed("exec", 1, "systemctl", "is-active", "cron") == "active"
    refused = node(fleet, "service", "stop", "--name", "dbus")
    assert refused.status != 0
    assert "dbus.service is needed to reach this host" in refused.stderr
    assert node(fleet, "service", "get", "--name", "no-such-unit").status == 3
    listed = {one["name"] for one in node(fleet, "service", "list").results["host1"]["services"]}
    assert {"cron.service", "dbus.service", "chrony.service"} <= listed


def test_a_service_that_cannot_start_says_why(fleet: Fleet, upload: Upload) -> None:
    upload("tests/broken.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no luck; exit 3'\n")
    assert changed(fleet, "service", "create", "--name", "broken", "--object", "tests/broken.service")
    (entry,) = node(fleet, "service", "start", "--name", "broken").results.values()
    assert entry["status"] == "failed"
    assert "no luck" in entry["error"]
    assert changed(fleet, "service", "delete", "--name", "broken")


def systemctl(fleet: Fleet, question: str) -> str:
    """What systemd itself says of the probe."""
    return fleet.bed("exec", 1, "sh", "-c", f"systemctl {question} osapi-probe.service || true")
