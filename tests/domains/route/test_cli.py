"""How routes are written on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from osapi.domains.route.cli import routes


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        (["10.0.0.0/8 via 192.0.2.1"], [{"to": "10.0.0.0/8", "via": "192.0.2.1"}]),
        (["10.0.0.0/8 via 192.0.2.1 metric 100"], [{"to": "10.0.0.0/8", "via": "192.0.2.1", "metric": 100}]),
        (["10.0.0.0/8 metric 0 via 192.0.2.1 onlink"],
         [{"to": "10.0.0.0/8", "metric": 0, "via": "192.0.2.1", "on_link": True}]),
        (["default via fe80::1"], [{"to": "default", "via": "fe80::1"}]),
        (["2001:db8::/32 via fe80::1"], [{"to": "2001:db8::/32", "via": "fe80::1"}]),
        (["10.0.0.0/8:192.0.2.1"], [{"to": "10.0.0.0/8", "via": "192.0.2.1"}]),
        (["10.0.0.0/8:192.0.2.1:50"], [{"to": "10.0.0.0/8", "via": "192.0.2.1", "metric": 50}]),
        (["10.0.0.0/8 via 192.0.2.1, 10.1.0.0/16:192.0.2.2", " 10.2.0.0/16 via 192.0.2.3 "],
         [{"to": "10.0.0.0/8", "via": "192.0.2.1"}, {"to": "10.1.0.0/16", "via": "192.0.2.2"},
          {"to": "10.2.0.0/16", "via": "192.0.2.3"}]),
        ([""], []),
    ],
)  # fmt: skip
def test_routes_are_written_as_in_ip_route(texts: list[str], made: list[dict[str, Any]]) -> None:
    assert routes(texts) == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.0/8", "names no router"),
        ("10.0.0.0/8 192.0.2.1", "is no route"),
        ("10.0.0.0/8 via", "is no route"),
        ("10.0.0.0/8 via 192.0.2.1 metric", "is no route"),
        ("10.0.0.0/8 via 192.0.2.1 metric many", "the metric is no number"),
        ("10.0.0.0/8:192.0.2.1:many", "the metric is no number"),
        ("10.0.0.0/8 via 192.0.2.1 dev eth0", "is no route"),
        ("::/0", "names no router"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_form(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        routes([text])
    assert "write TO via ADDRESS" in str(caught.value)
