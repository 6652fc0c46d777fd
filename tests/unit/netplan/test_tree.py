"""What netplan makes of several files, and how one key of a foreign file is changed."""

from __future__ import annotations

from typing import Any

import pytest

from osapi.contract.errors import Permanent
from osapi.netplan.tree import Tree, compose, edit, merge, parse


def test_files_are_read_in_the_order_of_their_names_and_hide_one_another() -> None:
    tree = Tree.of(
        {
            "/etc/netplan/20-b.yaml": b"etc",
            "/run/netplan/20-b.yaml": b"run",
            "/usr/lib/netplan/10-a.yaml": b"lib",
            "/usr/lib/netplan/20-b.yaml": b"lib",
            "/etc/netplan/05-c.yaml": b"etc",
        }
    )
    assert list(tree.files.items()) == [
        ("/etc/netplan/05-c.yaml", b"etc"),
        ("/usr/lib/netplan/10-a.yaml", b"lib"),
        ("/run/netplan/20-b.yaml", b"run"),
    ]


@pytest.mark.parametrize(
    ("first", "then", "merged"),
    [
        (1, 2, 2),
        ([1, 2], [2, 3], [1, 2, 3]),
        ({"a": 1, "b": [1]}, {"b": [2], "c": 3}, {"a": 1, "b": [1, 2], "c": 3}),
        ([1], "x", "x"),
        ({"a": 1}, None, None),
    ],
)
def test_mappings_merge_lists_grow_and_the_last_scalar_counts(first: Any, then: Any, merged: Any) -> None:
    assert merge(first, then) == merged


def test_only_definitions_of_interfaces_are_definitions() -> None:
    text = (
        b"network:\n  version: 2\n  renderer: networkd\n  openvswitch: {protocols: [x]}\n  ethernets: {eth0: , 1: {}}\n"
    )
    assert parse("x", text) == {"ethernets": {"eth0": {}, "1": {}}}
    assert parse("x", b"") == parse("x", b"network:\n") == {}


@pytest.mark.parametrize("text", [b"a: [", b"- a", b"network: x", b"network: {ethernets: [a]}", b"\xff\xfe\x00"])
def test_what_netplan_would_not_read_is_named(text: bytes) -> None:
    with pytest.raises(Permanent, match=r"/x\.yaml is no valid netplan file") as caught:
        parse("/x.yaml", text)
    assert caught.value.error_code == "invalid_config"


def test_a_key_is_changed_and_everything_else_stays_what_it_was() -> None:
    """To YAML 1.1 a hardware address can be a number to base 60, and 0644 one to base 8."""
    text = (
        b"network:\n  version: 2\n  ethernets:\n    eth0:\n      match:\n        macaddress: 52:54:00:12:34:56\n"
        b"      addresses: [10.0.0.1/8]\n      optional: true\n      mtu: 1500\n      x: 0644\n      y: on\n      z: 1e3\n"
    )
    after = edit(text, "ethernets", "eth0", "addresses", None)
    assert parse("x", after)["ethernets"]["eth0"] == {
        "match": {"macaddress": "52:54:00:12:34:56"}, "optional": True, "mtu": 1500, "x": "0644", "y": True, "z": "1e3"
    }  # fmt: skip
    assert b"'52:54:00:12:34:56'" in after
    back = edit(after, "ethernets", "eth0", "addresses", ["10.0.0.1/8"])
    assert parse("x", back) == parse("x", text)


def test_a_definition_that_holds_nothing_any_more_stays_defined() -> None:
    after = edit(b"network: {ethernets: {eth0: {mtu: 1}}}", "ethernets", "eth0", "mtu", None)
    assert after == b"network:\n  ethernets:\n    eth0: {}\n"


def test_a_file_of_osapi_can_be_read_back() -> None:
    said = {"vlans": {"eth0.100": {"id": 100, "link": "eth0"}}, "ethernets": {"eth0": {}}}
    assert parse("x", compose(said)) == said
