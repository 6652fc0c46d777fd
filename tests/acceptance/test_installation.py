"""The Debian package on a host without a network: installed, started, used, upgraded, removed, purged."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.fleet import ROOT, Bed, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

NUMBER = 4
"""A host of its own, beside those of the fleet."""
ACCOUNT = "osapi-agent"
UNITS = ("osapi-nats", "osapi-controller", "osapi-agent")
EXPOSED = 2.5
"""What `systemd-analyze security` may say at most of broker and controller; 10 is the worst."""
SHARED = f"/srv {ROOT} /proc /sys /var/log"
"""Where the host has something of OSAPI that is not the package's: the repository, this checkout, the journal."""


@dataclass(frozen=True)
class Machine:
    bed: Bed

    def run(self, line: str, *, check: bool = True) -> str:
        """Shell as root, as a unit of its own."""
        return self.bed("exec", NUMBER, "sh", "-c", f"exec 2>&1; {line}", check=check)

    def osapi(self, line: str) -> Any:
        """The answer of the API, whatever the exit status."""
        return json.loads(self.run(f"osapi client {line} --json", check=False))

    def jobs(self) -> set[str]:
        """The ids of all jobs."""
        told = self.osapi("job list")
        assert told.get("jobs"), told
        return {job["id"] for job in told["jobs"]}

    def states(self) -> list[str]:
        return self.run(f"systemctl is-active {' '.join(UNITS)} || true").split()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The package as it is built, and the same as a later version."""
    built = subprocess.run([ROOT / "dev", "package"], capture_output=True, text=True, check=True, timeout=280)
    first = ROOT / built.stdout.split()[-1]
    tree = tmp_path_factory.mktemp("package") / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", first, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 9.0", control.read_text(), flags=re.MULTILINE))
    second = ROOT / "dist" / "osapi_9.0_test.deb"  # in the checkout, which the hosts see
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z0", "--build", tree, second], check=True)
    return str(first), str(second)


@pytest.fixture(scope="module")
def machine(bed: Bed, packages: tuple[str, str]) -> Iterator[Machine]:
    """The package is installed while the cable is out."""
    bed("start", NUMBER)
    bed("cut", NUMBER)
    found = Machine(bed)
    print(found.run(f"dpkg -i {packages[0]}"))
    yield found
    bed("crash", NUMBER)
    Path(packages[1]).unlink()


def test_it_is_installed_without_a_network_and_started_by_role(machine: Machine) -> None:
    assert machine.states() == ["inactive"] * 3, "nothing starts before it is asked for"
    for line in ("nats server", "controller"):
        machine.run(f"osapi {line} install && systemctl start {UNITS[0 if line != 'controller' else 1]}")
    print(machine.run(f"osapi agent install --user {ACCOUNT}"))
    assert "nothing to do" in machine.run(f"osapi agent install --user {ACCOUNT}")
    machine.run("systemctl start osapi-agent")
    assert machine.states() == ["active"] * 3
    users = machine.run("for unit in osapi-nats osapi-controller osapi-agent; do systemctl show -P User $unit; done")
    assert users.split() == ["osapi", "osapi", ACCOUNT]


def test_broker_and_controller_are_confined(machine: Machine) -> None:
    for unit in UNITS:
        told = machine.run(f"systemd-analyze security --no-pager {unit}").splitlines()[-1]
        level = float(re.findall(r"[0-9]+[.][0-9]", told)[-1])
        print(f"{unit}: systemd-analyze security {level}")
        assert level <= EXPOSED or unit == "osapi-agent"


def test_the_sudoers_file_is_one_and_grants_no_shell(machine: Machine) -> None:
    assert "parsed OK" in machine.run("visudo -c -f /etc/sudoers.d/osapi-agent")
    for call in (
        "sh",
        "bash -c id",
        "env sh",
        "python3",
        "su",
        "cat /etc/shadow",
        "systemctl edit cron.service",
        "apt-get -o x install",
    ):
        refused = machine.run(f"runuser -u {ACCOUNT} -- sudo -n -- {call}", check=False)
        assert "password is required" in refused, (call, refused)


def test_the_helper_refuses_what_is_nobodys_to_change(machine: Machine) -> None:
    head = r"\0\0\0\2{}"
    helper = "/opt/osapi/bin/osapi-privileged"
    for path in (
        "/etc/shadow",
        "/etc/sudoers.d/osapi-agent",
        "/opt/osapi/bin/osapi",
        "/proc/sysrq-trigger",
        "/etc/osapi/osapi.yaml",
    ):
        told = machine.run(rf"printf '{head}' | runuser -u {ACCOUNT} -- sudo -n -- {helper} write -- {path}")
        assert json.loads(told)["kind"] == "Protected", told
    for path in ("/var/lib/osapi-privileged/trial/undo", "/etc/../etc/motd"):
        told = machine.run(rf"printf '{head}' | runuser -u {ACCOUNT} -- sudo -n -- {helper} write -- {path}")
        assert json.loads(told)["kind"] in ("Protected", "Invalid"), told
    script = '{"repair":[["sh","-c","id"]]}'
    line = rf"printf '\0\0\0\{len(script):o}%s' '{script}' | runuser -u {ACCOUNT} -- sudo -n -- {helper} undo -- "
    assert json.loads(machine.run(f"{line}/var/lib/osapi-privileged/trial/undo"))["kind"] == "Protected"


def test_it_is_used(machine: Machine) -> None:
    machine.run("osapi token generate -r admin -u tester --save")
    answer = machine.osapi("node sysctl create --key net.ipv4.ip_forward --value 1 --yes")
    assert answer["results"][0]["status"] == "ok", answer
    assert (
        machine.run("sysctl -n net.ipv4.ip_forward; stat -c '%U %a' /etc/sysctl.d/osapi-net.ipv4.ip_forward.conf")
        == "1\nroot 644"
    )


def test_a_command_is_run_as_the_agents_account_and_as_nobody_else(machine: Machine) -> None:
    (own,) = machine.osapi("node command exec --command id --args=-un --yes")["results"]
    assert own["stdout"].strip() == ACCOUNT
    (other,) = machine.osapi("node command exec --command id --user root --yes")["results"]
    assert (other["status"], other["code"]) == ("failed", "denied"), other


def test_programs_that_it_starts_inherit_no_capability(machine: Machine) -> None:
    (told,) = machine.osapi("node command exec --command grep --args Cap --args /proc/self/status --yes")["results"]
    sets = dict(line.split(":\t") for line in told["stdout"].splitlines())
    assert {name: sets[name] for name in ("CapEff", "CapPrm", "CapAmb")} == dict.fromkeys(
        ("CapEff", "CapPrm", "CapAmb"), "0" * 16
    )


def test_what_is_missing_is_told_and_keeps_it_from_starting(machine: Machine) -> None:
    preflight = f"systemd-run --quiet --pipe --wait -p User={ACCOUNT} -p AmbientCapabilities='CAP_DAC_READ_SEARCH CAP_KILL' osapi agent preflight"
    print(machine.run(preflight))
    machine.run("sed -i '/useradd/d' /etc/sudoers.d/osapi-agent && systemctl stop osapi-agent")
    told = machine.run(f"{preflight}; echo status $?")
    assert "status 1" in told
    assert re.search(r"^missing +sudo +/usr/sbin/useradd .*osapi agent install", told, re.MULTILINE)
    machine.run("systemctl start osapi-agent", check=False)
    assert "/usr/sbin/useradd" in machine.run("journalctl -u osapi-agent -n 20 -o cat")
    assert "useradd" in machine.run(f"osapi agent install --user {ACCOUNT}")
    machine.run("systemctl reset-failed osapi-agent; systemctl restart osapi-agent")


def test_an_upgrade_keeps_data_and_settings(machine: Machine, packages: tuple[str, str]) -> None:
    machine.run("echo 'agent: {labels: {group: web}}' >> /etc/osapi/osapi.yaml")
    before = machine.jobs()
    started = machine.run("systemctl show -P ExecMainStartTimestampMonotonic osapi-controller")
    print(machine.run(f"dpkg -i {packages[1]}"))
    assert "Version: 9.0" in machine.run("dpkg --status osapi").splitlines()
    assert machine.run("systemctl show -P ExecMainStartTimestampMonotonic osapi-controller") != started
    eventually(lambda: machine.states() == ["active"] * 3, "not all runs again")
    eventually(
        lambda: machine.run("osapi client node uptime get -T group:web", check=False).count("ok") == 1, "no answer"
    )
    assert before
    assert before <= machine.jobs()
    assert "group: web" in machine.run("cat /etc/osapi/osapi.yaml")


def test_what_is_removed_keeps_its_data_and_what_is_purged_leaves_nothing(machine: Machine) -> None:
    print(machine.run("dpkg --remove osapi"))
    assert machine.states() == ["inactive"] * 3
    machine.run("test -d /var/lib/osapi/nats && test -s /etc/osapi/osapi.yaml && test ! -e /etc/sudoers.d/osapi-agent")
    print(machine.run("dpkg --purge osapi"))
    managed = "/etc/sysctl.d/osapi-net.ipv4.ip_forward.conf /root/.config"  # what it was asked for stays
    spared = " -o ".join(f"-path {path}" for path in (*SHARED.split(), *managed.split()))
    left = machine.run(rf"find / \( {spared} \) -prune -o -name '*osapi*' -print")
    assert left == ""
    assert machine.run("getent passwd osapi osapi-agent; getent group osapi osapi-agent; true") == ""
