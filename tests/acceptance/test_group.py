"""Groups on real Debian hosts, looked at with getent(1)."""

from __future__ import annotations

import pytest
from tests.acceptance.fleet import Answer, Fleet

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]


def entry(fleet: Fleet, name: str) -> str:
    """The line of a group on host 1; empty when there is none."""
    return fleet.bed("enter", 1, "getent", "group", name, check=False)


def group(fleet: Fleet, *words: str) -> Answer:
    return fleet.client("node", "group", *words, "-T", "host1")


def test_a_group_is_made_filled_shown_emptied_and_removed(fleet: Fleet) -> None:
    foretold = group(fleet, "create", "--name", "osgroup", "--gid", "4321", "--check")
    assert foretold.results["host1"]["changed"] is True, foretold
    assert entry(fleet, "osgroup") == ""

    made = group(fleet, "create", "--name", "osgroup", "--gid", "4321")
    assert (made.status, made.results["host1"]["changed"]) == (0, True), made
    assert entry(fleet, "osgroup") == "osgroup:x:4321:"
    assert group(fleet, "create", "--name", "osgroup").results["host1"]["changed"] is False

    assert group(fleet, "update", "--name", "osgroup", "--members", "daemon,games").results["host1"]["changed"] is True
    assert entry(fleet, "osgroup") == "osgroup:x:4321:daemon,games"
    again = group(fleet, "update", "--name", "osgroup", "--members", "games,daemon")
    assert again.results["host1"]["changed"] is False
    (shown,) = group(fleet, "get", "--name", "osgroup").results["host1"]["groups"]
    assert shown == {"name": "osgroup", "gid": 4321, "members": ["daemon", "games"]}

    assert group(fleet, "update", "--name", "osgroup", "--members", "").results["host1"]["changed"] is True
    assert entry(fleet, "osgroup") == "osgroup:x:4321:"

    assert group(fleet, "delete", "--name", "osgroup").results["host1"]["changed"] is True
    assert entry(fleet, "osgroup") == ""
    assert group(fleet, "delete", "--name", "osgroup").results["host1"]["changed"] is False


def test_the_list_is_that_of_the_host(fleet: Fleet) -> None:
    told = {one["name"]: one["gid"] for one in group(fleet, "list").results["host1"]["groups"]}
    lines = [line.split(":") for line in fleet.bed("enter", 1, "getent", "group").splitlines()]
    assert told == {fields[0]: int(fields[2]) for fields in lines}


def test_what_belongs_to_the_system_stays(fleet: Fleet) -> None:
    before = fleet.bed("enter", 1, "cat", "/etc/group")
    assert group(fleet, "delete", "--name", "daemon").status != 0
    assert group(fleet, "delete", "--name", "root", "--force").status != 0
    assert group(fleet, "create", "--name=-osgroup").status != 0
    assert fleet.bed("enter", 1, "cat", "/etc/group") == before
