"""Whose address counts, behind which proxies, and what nobody can make up."""

from __future__ import annotations

from typing import Any

import pytest

from osapi.controller.client_address import FORWARDED, ClientAddress

PROXIES = ["10.0.0.0/8", "2001:db8:1::/48"]


def scope(peer: str | None, *headers: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "client": None if peer is None else (peer, 4711),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }


XFF = "X-Forwarded-For"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.9", [(XFF, "198.51.100.1")], "192.0.2.9"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", [(XFF, "198.51.100.1")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, "203.0.113.5, 198.51.100.1")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, "203.0.113.5, 198.51.100.1, 10.2.2.2")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, "203.0.113.5"), (XFF, "198.51.100.1")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, "10.3.3.3, 10.2.2.2")], "10.3.3.3"),
        ("10.1.1.1", [(XFF, "198.51.100.1, rubbish")], "10.1.1.1"),
        ("10.1.1.1", [(XFF, "198.51.100.1, rubbish, 10.2.2.2")], "10.2.2.2"),
        ("10.1.1.1", [(XFF, "198.51.100.1:5060")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, "[2001:db8:9::1]:5060")], "2001:db8:9::1"),
        ("2001:db8:1::7", [(XFF, "2001:0db8:0009::0001")], "2001:db8:9::1"),
        ("10.1.1.1", [(XFF, "::ffff:198.51.100.1")], "198.51.100.1"),
        ("10.1.1.1", [(XFF, ", ,")], "10.1.1.1"),
        ("10.1.1.1", [("Forwarded", "for=198.51.100.1")], "10.1.1.1"),
        (None, [(XFF, "198.51.100.1")], ""),
    ],
)
def test_x_forwarded_for(peer: str | None, headers: list[tuple[str, str]], expected: str) -> None:
    assert ClientAddress(PROXIES).of(scope(peer, *headers)) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ("for=203.0.113.5, for=198.51.100.1;proto=https;by=10.1.1.1", "198.51.100.1"),
        ('by=10.1.1.1; For="[2001:db8:9::1]:4711"', "2001:db8:9::1"),
        ("for=198.51.100.1, for=10.2.2.2", "198.51.100.1"),
        ("for=198.51.100.1, for=_hidden", "10.1.1.1"),
        ("for=198.51.100.1, for=unknown, for=10.2.2.2", "10.2.2.2"),
        ("for=198.51.100.1, proto=https", "10.1.1.1"),
        ("", "10.1.1.1"),
    ],
)
def test_forwarded(told: str, expected: str) -> None:
    """RFC 7239."""
    address = ClientAddress(PROXIES, FORWARDED)
    assert address.of(scope("10.1.1.1", ("Forwarded", told), (XFF, "203.0.113.99"))) == expected


def test_without_proxies_no_header_is_believed() -> None:
    assert ClientAddress().of(scope("10.1.1.1", (XFF, "198.51.100.1"))) == "10.1.1.1"
