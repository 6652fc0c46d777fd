"""The time zone of real Debian hosts, looked at with date(1) and readlink(1)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.acceptance.fleet import Fleet

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

ZONE = "Asia/Kolkata"


def in_force(fleet: Fleet, host: int) -> tuple[str, str, str]:
    """Link, name and offset, as the host itself sees them."""
    link = fleet.bed("enter", host, "readlink", "-m", "/etc/localtime")
    name = fleet.bed("enter", host, "sh", "-c", "cat /etc/timezone 2>/dev/null || true")
    return link, name, fleet.bed("enter", host, "date", "+%:z")


@pytest.fixture(params=[1, 2], ids=["timedated", "link"])
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[int]:
    """A host with timedated, and one whose bus is hidden; in UTC, with /etc/timezone. Put back afterwards."""
    number: int = request.param
    if number == 2:
        hide = "systemctl stop dbus.socket dbus 2>/dev/null; rm -f /run/dbus/system_bus_socket"
        fleet.bed("enter", number, "sh", "-c", hide)
    reset = "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime && echo Etc/UTC > /etc/timezone"
    fleet.bed("enter", number, "sh", "-c", reset)
    yield number
    fleet.bed("enter", number, "sh", "-c", reset)
    if number == 2:
        fleet.bed("enter", number, "sh", "-c", "systemctl start dbus.socket 2>/dev/null || true")


def test_a_zone_is_told_foretold_set_and_left(fleet: Fleet, host: int) -> None:
    target = fleet.bed("enter", host, "hostname")
    update = ("node", "timezone", "update", "-T", target, "--timezone", ZONE)
    before = in_force(fleet, host)
    assert before[2] == "+00:00"

    told = fleet.client(*update, "--check")
    assert told.status == 0, told
    assert told.results[target]["diff"].splitlines()[0] == f"/etc/localtime: Etc/UTC -> {ZONE}"
    assert in_force(fleet, host) == before

    done = fleet.client(*update)
    assert done.status == 0, done
    assert done.results[target]["changed"] is True
    assert in_force(fleet, host) == (f"/usr/share/zoneinfo/{ZONE}", ZONE, "+05:30")

    found = fleet.client("node", "timezone", "get", "-T", target).results[target]
    assert (found["timezone"], found["utc_offset"]) == (ZONE, "+05:30")
    assert fleet.client(*update).results[target]["changed"] is False


def test_a_zone_that_the_host_lacks_is_refused(fleet: Fleet, host: int) -> None:
    target = fleet.bed("enter", host, "hostname")
    before = in_force(fleet, host)
    answer = fleet.client("node", "timezone", "update", "-T", target, "--timezone", "Mars/Olympus")
    assert answer.status != 0
    assert (answer.results[target]["code"], in_force(fleet, host)) == ("invalid", before)
