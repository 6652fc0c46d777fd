"""Network interfaces and routes, as facts tell them. Pure: from what `ip -j address` and /proc/net say."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator, Sequence

from osapi.contract.facts import AddressFamily, HostInterface, HostRoute
from osapi.host.links import Link, LinkAddress, parse_links

_SCOPES = ("global", "site", "link", "host")
"""From wide to narrow, as ip-address(8) names them."""

_UP, _REJECT = 0x1, 0x200
_NOT_MAIN = 0x80000000 | 0x00100000
"""Local and anycast routes, which the kernel lists with the others; see linux/ipv6_route.h."""


def interfaces(output: bytes) -> tuple[HostInterface, ...]:
    """Interfaces that are up, without the loopback, in the kernel's order. Reads `ip -j address`, see ip-address(8)."""
    return tuple(_interface(link) for link in parse_links(output) if link.is_up and not link.is_loopback)


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


def _interface(link: Link) -> HostInterface:
    found = {family: _widest(link, family) for family in ("inet", "inet6")}
    family = (
        AddressFamily.DUAL if all(found.values()) else next((AddressFamily(f) for f, a in found.items() if a), None)
    )
    return HostInterface(
        name=link.name,
        ipv4=found["inet"],
        ipv6=found["inet6"],
        mac=link.mac,
        family=family,
        addresses=tuple(one.text for one in link.addresses),
        mtu=link.mtu or None,
    )


def _widest(link: Link, family: str) -> str:
    mine = sorted((one for one in link.addresses if one.family == family), key=_scope)
    return mine[0].host if mine else ""


def _scope(address: LinkAddress) -> int:
    return _SCOPES.index(address.scope) if address.scope in _SCOPES else len(_SCOPES)


def _rows(text: str, least: int) -> Iterator[list[str]]:
    """The fields of each line that has enough of them; the line of headings has no hexadecimal second field."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= least and not line.startswith("Iface"):
            yield fields


def _ipv4(word: str) -> str:
    return str(ipaddress.IPv4Address(struct.pack("=I", int(word, 16))))
