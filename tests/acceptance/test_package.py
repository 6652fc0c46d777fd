"""Packages on a real Debian host, from the local repository of the test bed: osapi-probe and osapi-slow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.fleet import Answer, Fleet

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

PROBE = "osapi-probe"
SLOW = "osapi-slow"
HOLD_LOCK = (
    "import fcntl, time; lock = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(lock, fcntl.LOCK_EX); "
    "open('/run/lock-is-held', 'w').close(); time.sleep(5)"
)


@pytest.fixture(autouse=True)
def clean(fleet: Fleet) -> Iterator[None]:
    """Lists that are there, and no osapi-probe, before and after."""
    if not fleet.bed("enter", 1, "find", "/var/lib/apt/lists", "-name", "*_Packages"):
        package(fleet, "update")
    yield
    fleet.bed("exec", 1, "apt-mark", "unhold", PROBE, SLOW, check=False)
    fleet.bed("exec", 1, "dpkg", "--purge", SLOW, PROBE)


def package(fleet: Fleet, verb: str, *words: str) -> Answer:
    return fleet.client("node", "package", verb, "-T", "host1", *words)


def done(answer: Answer) -> dict[str, Any]:
    assert answer.status == 0, answer
    return answer.results["host1"]


def refused(answer: Answer, *words: str) -> None:
    assert answer.status != 0, answer
    for word in words:
        assert word in answer.stdout + answer.stderr, answer


def version(fleet: Fleet) -> str:
    """Which osapi-probe runs; empty when there is none."""
    return fleet.bed("enter", 1, "sh", "-c", f"! test -x /usr/bin/{PROBE} || {PROBE}").removeprefix(f"{PROBE} ")


def test_a_package_is_installed_brought_up_to_date_and_removed(fleet: Fleet) -> None:
    told = done(package(fleet, "install", "--name", PROBE, "--version", "1.0", "--check"))
    assert (told["changed"], told["diff"], version(fleet)) == (True, f"install {PROBE} 1.0", "")

    made = done(package(fleet, "install", "--name", PROBE, "--version", "1.0"))
    assert (made["changed"], made["name"], version(fleet)) == (True, PROBE, "1.0")
    assert done(package(fleet, "install", "--name", PROBE, "--version", "1.0"))["changed"] is False
    newer = {"name": PROBE, "current_version": "1.0", "new_version": "1.1", "security": False}
    assert newer in done(package(fleet, "updates"))["updates"]

    fleet.bed("enter", 1, "sh", "-c", f"echo mine > /etc/{PROBE}.conf")
    assert done(package(fleet, "install", "--name", PROBE))["diff"] == f"upgrade {PROBE} 1.0 -> 1.1"
    assert (version(fleet), fleet.bed("enter", 1, "cat", f"/etc/{PROBE}.conf")) == ("1.1", "mine")
    assert done(package(fleet, "install", "--name", PROBE))["changed"] is False
    assert newer["name"] not in [update["name"] for update in done(package(fleet, "updates"))["updates"]]

    assert done(package(fleet, "remove", "--name", PROBE, "--check"))["changed"] is True
    assert version(fleet) == "1.1"
    assert done(package(fleet, "remove", "--name", PROBE))["diff"] == f"remove {PROBE} 1.1"
    assert version(fleet) == ""
    assert done(package(fleet, "remove", "--name", PROBE))["changed"] is False
    refused(package(fleet, "get", "--name", PROBE), "not_found", "is not installed")


def test_the_list_is_what_dpkg_has(fleet: Fleet) -> None:
    names = fleet.bed("enter", 1, "sh", "-c", "dpkg -l | awk '/^[hi]i/ {print $2}'").split()
    found = done(package(fleet, "list"))["packages"]
    assert sorted(entry["name"] for entry in found) == sorted(name.partition(":")[0] for name in names)
    (dpkg,) = done(package(fleet, "get", "--name", "dpkg"))["packages"]
    assert dpkg in found
    assert dpkg["version"] == fleet.bed("enter", 1, "dpkg-query", "-W", "-f", "${Version}", "dpkg")


def test_lists_are_refreshed_once(fleet: Fleet) -> None:
    fleet.bed("enter", 1, "sh", "-c", "rm -f /var/lib/apt/lists/*_Packages")
    assert done(package(fleet, "update", "--check"))["changed"] is True
    assert fleet.bed("enter", 1, "find", "/var/lib/apt/lists", "-name", "*_Packages") == ""
    assert done(package(fleet, "update"))["changed"] is True
    assert fleet.bed("enter", 1, "find", "/var/lib/apt/lists", "-name", "*_Packages") != ""
    assert done(package(fleet, "update"))["changed"] is False


def test_a_source_that_does_not_answer_is_named(fleet: Fleet) -> None:
    source = "/etc/apt/sources.list.d/away.list"
    fleet.bed.write(1, source, b"deb [trusted=yes] http://127.0.0.1:9/debian ./\n")
    answer = package(fleet, "update")
    fleet.bed("enter", 1, "rm", source)
    assert any("127.0.0.1:9" in failed for failed in done(answer)["failed_sources"]), answer
    package(fleet, "update")


def test_what_is_not_there_or_not_to_be_touched_is_refused(fleet: Fleet) -> None:
    refused(package(fleet, "install", "--name", "no-such-package"), "not_found", "no-such-package")
    refused(package(fleet, "install", "--name", PROBE, "--version", "7"), "not_found", "Version '7'")
    refused(package(fleet, "install", "--name", "osapi-prob."), "not_found", "osapi-prob.")
    refused(package(fleet, "install", "--name", f"{PROBE}+"), "not_found", f"{PROBE}+")
    refused(package(fleet, "remove", "--name", "dpkg"), "protected", "essential")
    refused(package(fleet, "remove", "--name", "mawk"), "protected", "base-files")
    refused(package(fleet, "remove", "--name", f"{PROBE}-"))
    refused(package(fleet, "install", "--name=-oDebug::NoLocking=1"))
    assert version(fleet) == ""


def test_a_package_on_hold_is_listed_and_left_alone(fleet: Fleet) -> None:
    fleet.bed("exec", 1, "dpkg", "-i", f"/srv/repo/{PROBE}_1.0_all.deb")
    fleet.bed("exec", 1, "apt-mark", "hold", PROBE)
    (found,) = done(package(fleet, "get", "--name", PROBE))["packages"]
    assert (found["status"], found["version"]) == ("held", "1.0")
    assert PROBE in [update["name"] for update in done(package(fleet, "updates"))["updates"]]
    refused(package(fleet, "install", "--name", PROBE), "conflict", "Held packages")
    refused(package(fleet, "remove", "--name", PROBE), "conflict", "Held packages")
    assert version(fleet) == "1.0"


def test_an_interrupted_dpkg_is_found_and_named(fleet: Fleet) -> None:
    fleet.bed("exec", 1, "dpkg", "--unpack", f"/srv/repo/{PROBE}_1.0_all.deb")
    (found,) = done(package(fleet, "get", "--name", PROBE))["packages"]
    assert found["status"] == "unpacked"
    refused(package(fleet, "install", "--name", PROBE), "needs_repair", PROBE, "package repair")
    assert done(package(fleet, "repair"))["diff"] == f"configure {PROBE} 1.0 (unpacked)"
    assert done(package(fleet, "install", "--name", PROBE))["changed"] is True


def test_what_a_package_lacks_is_installed_by_a_repair(fleet: Fleet) -> None:
    fleet.bed("exec", 1, "dpkg", "-i", f"/srv/repo/{SLOW}_2.0_all.deb", check=False)
    assert done(package(fleet, "repair"))["diff"] == f"configure {SLOW} 2.0 (unpacked)\ninstall {PROBE} 1.1"
    assert fleet.bed("enter", 1, "dpkg", "--audit") == ""


def test_everything_is_upgraded_but_for_what_is_on_hold(fleet: Fleet) -> None:
    for deb in (f"{SLOW}_1.0", f"{PROBE}_1.0"):
        fleet.bed("exec", 1, "dpkg", "-i", f"/srv/repo/{deb}_all.deb")
    fleet.bed("enter", 1, "apt-mark", "auto", PROBE)
    assert done(package(fleet, "hold", "--name", SLOW))["changed"] is True
    made = done(package(fleet, "upgrade"))
    assert ([update["name"] for update in made["updates"]], made["kept_back"]) == ([PROBE], [SLOW]), made
    assert (version(fleet), fleet.bed("enter", 1, "apt-mark", "showhold")) == ("1.1", SLOW)

    refused(package(fleet, "upgrade", "--name", SLOW), "conflict", "Held packages")
    assert done(package(fleet, "unhold", "--name", SLOW))["changed"] is True
    assert done(package(fleet, "upgrade", "--name", SLOW))["diff"] == f"upgrade {SLOW} 1.0 -> 2.0"
    assert done(package(fleet, "upgrade"))["changed"] is False
    assert fleet.bed("enter", 1, "apt-mark", "showauto", PROBE) == PROBE


def test_an_upgrade_does_not_make_a_package_wanted_for_itself(fleet: Fleet) -> None:
    fleet.bed("exec", 1, "dpkg", "-i", f"/srv/repo/{PROBE}_1.0_all.deb")
    fleet.bed("enter", 1, "apt-mark", "auto", PROBE)
    assert done(package(fleet, "upgrade", "--name", PROBE, "--version", "1.1"))["changed"] is True
    assert (version(fleet), fleet.bed("enter", 1, "apt-mark", "showauto", PROBE)) == ("1.1", PROBE)
    refused(package(fleet, "upgrade", "--name", PROBE, "--version", "1.0"), "conflict", "downgraded")
    refused(package(fleet, "upgrade", "--name", SLOW), "not_found", "install it instead")


def test_what_apt_takes_for_a_pattern_is_no_name(fleet: Fleet) -> None:
    refused(package(fleet, "versions", "--name", "osapi-prob."), "not_found", "osapi-prob.")
    refused(package(fleet, "hold", "--name", "osapi-prob."), "not_found", "osapi-prob.")
    assert fleet.bed("enter", 1, "apt-mark", "showhold") == ""


def test_lists_are_quick(fleet: Fleet) -> None:
    """Seconds on the host, from the start of the work to its end."""
    count = len(done(package(fleet, "list"))["packages"])
    took = {verb: min(duration_s(fleet, verb) for _ in range(3)) for verb in ("list", "updates")}
    print(f"\nrow packages: {count} listed in {took['list'] * 1000:.0f} ms, updates in {took['updates'] * 1000:.0f} ms")
    assert took["list"] < 1
    assert took["updates"] < 3


def duration_s(fleet: Fleet, verb: str) -> float:
    job = fleet.client("job", "get", "--job-id", package(fleet, verb).json["job_id"]).json
    (state,) = job["agent_states"].values()
    return float(state["duration"].removesuffix("s"))


def test_another_package_manager_is_waited_for(fleet: Fleet) -> None:
    fleet.bed("enter", 1, "systemd-run", "--quiet", "/usr/bin/python3", "-c", HOLD_LOCK)
    fleet.bed("enter", 1, "timeout", "10", "sh", "-c", "until [ -e /run/lock-is-held ]; do sleep 0.1; done")
    began = time.monotonic()
    assert done(package(fleet, "install", "--name", PROBE))["changed"] is True
    assert time.monotonic() - began > 1
    assert version(fleet) == "1.1"
    fleet.bed("enter", 1, "rm", "/run/lock-is-held")
