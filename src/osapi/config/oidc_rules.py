"""Rules about another issuer of tokens that concern more than the form of one value."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from osapi.config import duration
from osapi.config.controller import Oidc
from osapi.config.faults import Fault, refused
from osapi.contract.errors import Invalid
from osapi.contract.target import check_label

PATH = ("controller", "api", "security", "oidc")
MAX_SKEW = timedelta(minutes=5)


def faults(section: Oidc) -> Iterator[Fault]:
    """Everything that is wrong with the section; nothing while no issuer is named."""
    if not section.issuer:
        return
    if not is_safe(section.issuer):
        yield refused((*PATH, "issuer"), section.issuer, "an https address, or http on loopback")
    if not section.audience:
        yield refused((*PATH, "audience"), "", "the audience of tokens for this controller, since an issuer is named")
    if section.clock_skew > MAX_SKEW:
        yield refused((*PATH, "clock_skew"), duration.text(section.clock_skew), f"at most {duration.text(MAX_SKEW)}")
    if not timedelta(0) < section.refresh <= section.keep_keys:
        allowed = f"above 0 and at most controller.api.security.oidc.keep_keys ({duration.text(section.keep_keys)})"
        yield refused((*PATH, "refresh"), duration.text(section.refresh), allowed)
    yield from _labels(section)


def is_safe(address: str) -> bool:
    """Whether nobody on the way can read or change what this address tells: https, or http to this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _labels(section: Oidc) -> Iterator[Fault]:
    for number, rule in enumerate(section.rules):
        for key, value in rule.labels.items():
            try:
                check_label(key, value)
            except Invalid:
                allowed = "letters, digits, _ and -, and dots between parts of the value"
                yield refused((*PATH, "rules", str(number), "labels", key), value, allowed)
