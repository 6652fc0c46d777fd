"""Which name servers are in use: from systemd-resolved by D-Bus, else from resolv.conf(5). Pure.

See org.freedesktop.resolve1(5). The manager's properties hold those of all interfaces, each with the number of
its interface; 0 stands for those that belong to none.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import msgspec

from osapi.contract.errors import Permanent

SOCKET = "/run/systemd/resolve/io.systemd.Resolve"
"""Exists while systemd-resolved runs."""
RESOLV_CONF = "/etc/resolv.conf"
QUERY = (
    "busctl",
    "--system",
    "--json=short",
    "get-property",
    "org.freedesktop.resolve1",
    "/org/freedesktop/resolve1",
    "org.freedesktop.resolve1.Manager",
    "DNS",
    "Domains",
)
_EVERYTHING = "."


class _Property(msgspec.Struct):
    data: list[list[Any]]


_decode = msgspec.json.Decoder(_Property).decode


def of_interface(text: bytes, index: int) -> tuple[list[str], list[str]]:
    """Servers and search domains of the interface of that number, from what `QUERY` prints: one line for each property."""
    try:
        servers, domains = (_decode(line).data for line in text.splitlines())
    except (msgspec.DecodeError, ValueError) as problem:
        raise Permanent(f"systemd-resolved told what cannot be read: {problem}", code="unreadable") from problem
    return (
        [str(ip_address(bytes(address))) for link, _family, address, *_ in servers if link == index],
        [name for link, name, is_route in domains if link == index and not is_route and name != _EVERYTHING],
    )


def of_host(text: str) -> tuple[list[str], list[str]]:
    """Servers and search domains in resolv.conf(5); of several `search` lines the last one counts."""
    servers: list[str] = []
    domains: list[str] = []
    for line in text.splitlines():
        keyword, *values = line.split("#")[0].split(";")[0].split() or [""]
        if keyword == "nameserver":
            servers += values[:1]
        elif keyword in ("search", "domain"):
            domains = [name for name in values if name != _EVERYTHING]
    return servers, domains
