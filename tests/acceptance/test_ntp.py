"""NTP servers of real Debian hosts: one host serves the time, another takes it; looked at with chronyc(1) itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.fleet import Answer, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

FILE = "/etc/chrony/sources.d/osapi-ntp.sources"
LOCAL = "/etc/chrony/conf.d/osapi-test.conf"


def ntp(fleet: Fleet, *words: str, host: int = 2) -> Answer:
    return fleet.client("node", "ntp", *words, "-T", fleet.bed("enter", host, "hostname"))


def told(answer: Answer) -> dict[str, Any]:
    """The entry of the one host that was asked and did it."""
    assert answer.status == 0, answer
    (entry,) = answer.results.values()
    return entry


def refused(answer: Answer, code: str, says: str) -> None:
    """Its failure, or that of its only entry."""
    if answer.stdout:
        (entry,) = answer.results.values()
        assert (entry["code"], says in entry["error"]) == (code, True), answer
    else:
        failure = json.loads(answer.stderr)
        assert (failure["code"], says in failure["error"]) == (code, True), answer


def known(fleet: Fleet) -> str:
    """The sources of chrony as chronyc prints them for people."""
    return fleet.bed("enter", 2, "chronyc", "-n", "sources")


def there(fleet: Fleet) -> str:
    return fleet.bed("enter", 2, "sh", "-c", f"cat {FILE} 2>/dev/null || true")


@pytest.fixture(scope="module")
def server(fleet: Fleet) -> Iterator[str]:
    """Address of host 1, whose chrony serves the time as if it had a clock."""
    fleet.bed.write(1, LOCAL, b"local stratum 8\nallow\n")
    fleet.bed("exec", 1, "systemctl", "restart", "chrony")
    yield fleet.bed("address", 1)
    fleet.bed("enter", 1, "rm", LOCAL)
    fleet.bed("exec", 1, "systemctl", "restart", "chrony")


def test_a_host_takes_the_time_from_the_servers_it_is_given(fleet: Fleet, server: str) -> None:
    foretold = told(ntp(fleet, "create", "--servers", server, "--check"))
    assert (foretold["changed"], f"+server {server} iburst" in foretold["diff"]) == (True, True)
    assert (there(fleet), server in known(fleet)) == ("", False)

    assert told(ntp(fleet, "create", "--servers", server))["changed"] is True
    assert there(fleet) == f"server {server} iburst"
    assert fleet.bed("enter", 2, "stat", "-c", "%U %a", FILE) == "root 644"
    assert server in known(fleet)
    assert told(ntp(fleet, "create", "--servers", server))["changed"] is False

    eventually(lambda: told(ntp(fleet, "get"))["synchronized"], "the host is not synchronized")
    found = told(ntp(fleet, "get"))
    assert (found["current_source"], found["stratum"], found["managed"]) == (server, 9, [server])
    assert server in found["servers"]
    tracking = fleet.bed("enter", 2, "chronyc", "-n", "tracking")
    assert f"({server})" in tracking
    assert "Leap status     : Normal" in tracking


def test_servers_are_exchanged_and_removed(fleet: Fleet, server: str) -> None:
    told(ntp(fleet, "create", "--servers", server, "--replace"))
    refused(ntp(fleet, "create", "--servers", "192.0.2.1"), "conflict", server)
    other = ("192.0.2.1", "ntp.example.invalid")
    changed = told(ntp(fleet, "update", "--servers", ",".join(other)))
    assert (changed["changed"], changed["servers"]) == (True, list(other))
    assert ("192.0.2.1" in known(fleet), server in known(fleet)) == (True, False)
    assert set(other) <= set(told(ntp(fleet, "get"))["servers"])
    assert told(ntp(fleet, "update", "--servers", ",".join(other)))["changed"] is False

    assert told(ntp(fleet, "delete", "--check"))["changed"] is True
    assert there(fleet) != ""
    assert told(ntp(fleet, "delete"))["changed"] is True
    assert (there(fleet), "192.0.2.1" in known(fleet)) == ("", False)
    assert told(ntp(fleet, "delete"))["changed"] is False
    refused(ntp(fleet, "update", "--servers", server), "not_managed", "create them first")


def test_a_file_of_somebody_else_stays_and_comes_back(fleet: Fleet) -> None:
    fleet.bed.write(2, FILE, b"server 192.0.2.77 iburst\n")
    refused(ntp(fleet, "create", "--servers", "192.0.2.1"), "conflict", "not managed by osapi")
    refused(ntp(fleet, "delete"), "not_managed", "left alone")
    assert told(ntp(fleet, "create", "--servers", "192.0.2.1", "--adopt"))["changed"] is True
    assert there(fleet) == "server 192.0.2.1 iburst"
    assert told(ntp(fleet, "delete"))["changed"] is True
    assert there(fleet) == "server 192.0.2.77 iburst"
    assert "192.0.2.77" in known(fleet)
    fleet.bed("enter", 2, "rm", FILE)
    fleet.bed("enter", 2, "chronyc", "reload", "sources")


def test_a_chrony_that_does_not_run_is_named_before_anything_is_written(fleet: Fleet) -> None:
    fleet.bed("exec", 2, "systemctl", "stop", "chrony")
    try:
        refused(ntp(fleet, "get"), "not_running", "systemctl start chrony")
        refused(ntp(fleet, "create", "--servers", "192.0.2.1"), "not_running", "systemctl start chrony")
        assert there(fleet) == ""
    finally:
        fleet.bed("exec", 2, "systemctl", "start", "chrony")


def test_a_host_without_chrony_is_skipped(fleet: Fleet) -> None:
    fleet.bed("enter", 3, "mv", "/usr/bin/chronyc", "/usr/bin/chronyc.away")
    try:
        for words in (("get",), ("create", "--servers", "192.0.2.1"), ("delete",)):
            (entry,) = ntp(fleet, *words, host=3).results.values()
            assert (entry["status"], entry["code"]) == ("skipped", "missing_tool")
            assert "install the package chrony" in entry["error"]
    finally:
        fleet.bed("enter", 3, "mv", "/usr/bin/chronyc.away", "/usr/bin/chronyc")


@pytest.mark.parametrize("server", ["a b", "-x", "a\nserver evil", "$(reboot)", "a/b"])
def test_what_is_no_server_is_refused(fleet: Fleet, server: str) -> None:
    answer = ntp(fleet, "create", f"--servers={server}")
    assert (answer.status, json.loads(answer.stderr)["code"]) == (1, "invalid")
    assert there(fleet) == ""
