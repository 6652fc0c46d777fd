"""What the settings may say of another issuer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from osapi.config.controller import ClaimRule, Oidc
from osapi.config.oidc_rules import faults, is_safe

GOOD: dict[str, Any] = {"issuer": "https://id.test", "audience": "osapi"}


def test_nothing_is_asked_while_no_issuer_is_named() -> None:
    assert list(faults(Oidc(audience="", clock_skew=timedelta(days=1)))) == []


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"issuer": "http://id.test"}, "issuer"),
        ({"audience": ""}, "audience"),
        ({"clock_skew": timedelta(minutes=6)}, "clock_skew"),
        ({"refresh": timedelta(0)}, "refresh"),
        ({"refresh": timedelta(hours=25)}, "refresh"),
        ({"rules": [ClaimRule(value="x", roles=["read"], labels={"a b": "c"})]}, "rules.0.labels.a b"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], key: str) -> None:
    assert [fault.key for fault in faults(Oidc(**(GOOD | changed)))] == [f"controller.api.security.oidc.{key}"]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://id.test/realm", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost/x", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://10.0.0.1", False),
        ("https://user@id.test", False),
        ("https://id.test#x", False),
        ("ftp://id.test", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://[", False),
        ("id.test", False),
    ],
)
def test_addresses_that_nobody_on_the_way_can_change(address: str, safe: bool) -> None:
    assert is_safe(address) is safe
