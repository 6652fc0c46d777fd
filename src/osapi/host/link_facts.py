"""Network interfaces and routes, as facts tell them. Pure: from what `ip -j address` and /proc/net say."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator, Sequence

import msgspec

from osapi.contract.errors import Permanent
from osapi.contract.facts import AddressFamily, HostInterface, HostRoute

_SCOPES = ("global", "site", "link", "host")
"""From wide to narrow, as ip-address(8) names them."""

_UP, _REJECT = 0x1, 0x200
_NOT_MAIN = 0x80000000 | 0x00100000
"""Local and anycast routes, which the kernel lists with the others; see linux/ipv6_route.h."""


class _Address(msgspec.Struct):
    family: str = ""
    local: str = ""
    prefixlen: int = 0
    scope: str = ""


class _Link(msgspec.Struct):
    ifname: str = ""
    flags: list[str] = []
    mtu: int | None = None
    address: str = ""
    addr_info: list[_Address] = []


def interfaces(output: bytes) -> tuple[HostInterface, ...]:
    """Interfaces that are up, without the loopback, in the kernel's order. Reads `ip -j address`, see ip-address(8)."""
    try:
        links = msgspec.json.decode(output, type=list[_Link])
    except msgspec.DecodeError as problem:
        raise Permanent(f"`ip -j address` printed something else than its usual JSON: {problem}") from problem
    return tuple(_interface(link) for link in links if "UP" in link.flags and "LOOPBACK" not in link.flags)


def ipv4_routes(text: str) -> Iterator[HostRoute]:
    """The main table of IPv4. Reads /proc/net/route, whose addresses are hexadecimal in the host's byte order."""
    for fields in _rows(text, 11):
        flags = int(fields[3], 16)
        if not flags & _UP or flags & _REJECT:
            continue
        mask = ipaddress.IPv4Address(_ipv4(fields[7]))
        yield HostRoute(
            destination=_ipv4(fields[1]),
            gateway=_ipv4(fields[2]),
            interface=fields[0],
            mask=f"/{int(mask).bit_count()}",
            metric=int(fields[6]),
            flags=fields[3],
        )


def ipv6_routes(text: str) -> Iterator[HostRoute]:
    """The routes of IPv6 but for those that every interface has. Reads /proc/net/ipv6_route."""
    for fields in _rows(text, 10):
        flags, destination = int(fields[8], 16), ipaddress.IPv6Address(int(fields[0], 16))
        if not flags & _UP or flags & (_REJECT | _NOT_MAIN) or fields[9] == "lo":
            continue
        if destination.is_multicast or destination.is_link_local:
            continue
        yield HostRoute(
            destination=str(destination),
            gateway=str(ipaddress.IPv6Address(int(fields[4], 16))),
            interface=fields[9],
            mask=f"/{int(fields[1], 16)}",
            metric=int(fields[5], 16),
            flags=fields[8],
        )


def primary(routes: Sequence[HostRoute]) -> str:
    """The interface of the default route with the lowest metric, that of IPv4 before that of IPv6; empty for none."""
    defaults = [route for route in routes if route.mask == "/0"]
    best = min(defaults, key=lambda route: (":" in route.destination, route.metric or 0), default=None)
    return best.interface if best else ""


def _interface(link: _Link) -> HostInterface:
    found = {family: _widest(link, family) for family in ("inet", "inet6")}
    family = (
        AddressFamily.DUAL if all(found.values()) else next((AddressFamily(f) for f, a in found.items() if a), None)
    )
    return HostInterface(
        name=link.ifname,
        ipv4=found["inet"],
        ipv6=found["inet6"],
        mac=link.address,
        family=family,
        addresses=tuple(f"{one.local}/{one.prefixlen}" for one in link.addr_info if one.local),
        mtu=link.mtu,
    )


def _widest(link: _Link, family: str) -> str:
    mine = [one for one in link.addr_info if one.family == family and one.local]
    return min(mine, key=_scope, default=_Address()).local


def _scope(address: _Address) -> int:
    return _SCOPES.index(address.scope) if address.scope in _SCOPES else len(_SCOPES)


def _rows(text: str, least: int) -> Iterator[list[str]]:
    """The fields of each line that has enough of them; the line of headings has no hexadecimal second field."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= least and not line.startswith("Iface"):
            yield fields


def _ipv4(word: str) -> str:
    return str(ipaddress.IPv4Address(struct.pack("=I", int(word, 16))))
