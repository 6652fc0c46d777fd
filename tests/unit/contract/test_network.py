"""Names and addresses: what is taken, in which spelling, and what is refused with the field and the value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from osapi.contract import network


@pytest.mark.parametrize("name", ["eth0", "br-lan", "eth0.100", "enp3s0f1", "wg_0", "a", "0", "x" * 15, "_x", "a.b-c"])
def test_a_name_that_the_kernel_takes_is_legal(name: str) -> None:
    assert network.interface(name) == name
    assert msgspec.convert(name, network.InterfaceName) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", "x" * 16, "a/b", "a b", "a:1", "a\n", "a\0", "ä", "eth0;", "$(x)", "../x", "%s"]
)
def test_a_name_that_it_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a network interface"):
        network.interface(name)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, network.InterfaceName)


@pytest.mark.parametrize("reference", ["@fact.interface.primary", "@fact.custom.uplink-1"])
def test_a_reference_may_stand_for_a_name_until_it_is_resolved(reference: str) -> None:
    assert msgspec.convert(reference, network.InterfaceName) == reference
    with pytest.raises(ValueError, match="no name of a network interface"):
        network.interface(reference)


@pytest.mark.parametrize("reference", ["@fact", "@fact.", "@fact.a/b", "@fact.a b", "@fact.a..b", "@fact.a\n"])
def test_what_only_looks_like_a_reference_is_refused(reference: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(reference, network.InterfaceName)


@pytest.mark.parametrize(
    ("check", "text", "spelled"),
    [
        (network.address, "10.0.0.1", "10.0.0.1"),
        (network.address, "2001:DB8:0:0::1", "2001:db8::1"),
        (network.gateway, "fe80::1", "fe80::1"),
        (network.assigned, "10.0.0.5/24", "10.0.0.5/24"),
        (network.assigned, "10.0.0.5/32", "10.0.0.5/32"),
        (network.assigned, "2001:DB8::5/64", "2001:db8::5/64"),
        (network.network, "10.1.2.3/8", "10.0.0.0/8"),
        (network.network, "1.2.3.4/0", "0.0.0.0/0"),
        (network.network, "0::/0", "::/0"),
        (network.mac, "02:AB:00:00:00:01", "02:ab:00:00:00:01"),
    ],
)
def test_there_is_one_spelling(check: Callable[[str, str], Any], text: str, spelled: str) -> None:
    assert str(check(text, "it")) == spelled


@pytest.mark.parametrize(
    ("check", "texts"),
    [
        (
            network.address,
            ["", "10.0.0", "10.0.0.256", "010.0.0.1", "fe80::1%eth0", "10.0.0.1/24", "host", "1", "::1::"],
        ),
        (network.gateway, ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "127.0.0.1", "::1", "255.255.255.255"]),
        (network.assigned, ["10.0.0.1", "10.0.0.1/33", "10.0.0.1/255.255.255.0", "::1/64", "2001:db8::1/129", "/24"]),
        (network.assigned, ["0.0.0.0/0", "224.0.0.1/4", "10.0.0.1/24\n", "10.0.0.1/ 24", "10.0.0.1/-1"]),
        (network.network, ["10.0.0.0", "10.0.0.0/33", "default", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::/x"]),
        (network.mac, ["", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00", "x"]),
    ],
)
def test_what_is_refused_is_named(check: Callable[[str, str], Any], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError, match=f"^it: {re.escape(repr(text))}"):
            check(text, "it")


@pytest.mark.parametrize(("text", "version"), [("10.0.0.1", 6), ("2001:db8::1", 4)])
def test_the_other_family_is_refused(text: str, version: int) -> None:
    with pytest.raises(ValueError, match=f"is no IPv{version} address"):
        network.gateway(text, "it", version)
