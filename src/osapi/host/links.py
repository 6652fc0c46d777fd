"""Network interfaces, addresses and routes as the kernel has them, by `ip -json`; see ip-address(8), ip-route(8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from osapi.contract.errors import Permanent
from osapi.host.acting import failure_of
from osapi.host.program import Completed

ADDRESSES = ("ip", "-json", "-details", "address", "show")
ROUTES = (("ip", "-json", "-4", "route", "show"), ("ip", "-json", "-6", "route", "show"))
DEFAULT = "default"
"""Destination of a route for everything."""

_LENGTHS = {"inet": 32, "inet6": 128}
_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode


class Runner(Protocol):
    """What is needed of `door.Host`."""

    async def run(self, argv: tuple[str, ...], /) -> Completed: ...


@dataclass(frozen=True, kw_only=True)
class LinkAddress:
    """One address of an interface."""

    text: str
    """With the length of its prefix."""
    family: str
    """`inet` or `inet6`."""
    scope: str
    """`global`, `link` or `host`."""
    leased: bool
    """Whether it has a lifetime and did not come from router advertisements: so it is from DHCP."""

    @property
    def host(self) -> str:
        """Without the length of its prefix."""
        return self.text.partition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Link:
    """One network interface."""

    name: str
    index: int
    mac: str
    """Empty for interfaces that have none."""
    mtu: int
    state: str
    """As RFC 2863 names it, in small letters: `up`, `down`, `unknown` (such as loopback), `lowerlayerdown`, …"""
    kind: str
    """What sort of virtual interface, for example `bridge` or `vlan`; empty for hardware."""
    parent: str
    """The interface that it stands on, as a VLAN does; empty for none."""
    vlan_id: int | None
    is_loopback: bool
    addresses: tuple[LinkAddress, ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route of the main table."""

    destination: str
    """A network with the length of its prefix, or `default`."""
    gateway: str
    """Empty for a network that is reached directly."""
    interface: str
    metric: int
    """0 where the kernel tells none."""
    scope: str
    protocol: str
    """Who made it, for example `kernel`, `static`, `dhcp`, `ra`."""
    family: str
    """`inet` or `inet6`."""


async def links(host: Runner) -> list[Link]:
    """Every interface, by its number. Raises `MissingTool` when iproute2 is not installed."""
    return parse_links(await _ask(host, ADDRESSES))


async def routes(host: Runner) -> list[Route]:
    """Every route of the main table, in the kernel's order, IPv4 first."""
    found = [parse_routes(await _ask(host, argv), family) for argv, family in zip(ROUTES, _LENGTHS, strict=True)]
    return [route for family in found for route in family]


def parse_links(text: bytes) -> list[Link]:
    """What `ADDRESSES` prints."""
    return sorted((_link(entry) for entry in _entries(text)), key=lambda link: link.index)


def parse_routes(text: bytes, family: str) -> list[Route]:
    """What `ROUTES` prints. A route over several gateways is several routes."""
    return [_route(hop, family) for entry in _entries(text) for hop in _hops(entry) if "dev" in hop]


def default_routes(found: Iterable[Route]) -> list[Route]:
    """The routes for everything, the preferred ones first: IPv4 before IPv6, lower metrics before higher."""
    defaults = [route for route in found if route.destination == DEFAULT]
    return sorted(defaults, key=lambda route: (route.family, route.metric))


async def _ask(host: Runner, argv: tuple[str, ...]) -> bytes:
    done = await host.run(argv)
    if done.exit_code != 0:
        raise failure_of(done)
    return done.stdout


def _entries(text: bytes) -> list[dict[str, Any]]:
    """The entries; iproute2 prints nothing at all, or empty objects, where there are none."""
    try:
        return [entry for entry in _decode(text or b"[]") if entry]
    except msgspec.DecodeError as problem:
        raise Permanent(f"ip printed what is no JSON: {problem}", code="unreadable") from problem


def _link(entry: dict[str, Any]) -> Link:
    info = entry.get("linkinfo", {})
    return Link(
        name=entry["ifname"],
        index=entry["ifindex"],
        mac=entry.get("address", ""),
        mtu=entry.get("mtu", 0),
        state=entry.get("operstate", "UNKNOWN").lower(),
        kind=info.get("info_kind", ""),
        parent=entry.get("link", ""),
        vlan_id=info.get("info_data", {}).get("id") if info.get("info_kind") == "vlan" else None,
        is_loopback="LOOPBACK" in entry.get("flags", ()),
        addresses=tuple(_address(found) for found in entry.get("addr_info", ()) if "local" in found),
    )


def _address(entry: dict[str, Any]) -> LinkAddress:
    by_router = entry.get("protocol") == "kernel_ra" or bool(entry.get("mngtmpaddr") or entry.get("temporary"))
    return LinkAddress(
        text=f"{entry['local']}/{entry['prefixlen']}",
        family=entry["family"],
        scope=entry.get("scope", "global"),
        leased=bool(entry.get("dynamic")) and not by_router,
    )


def _hops(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for hop in entry.get("nexthops", ()):
        yield {**entry, **hop}
    yield entry


def _route(entry: dict[str, Any], family: str) -> Route:
    destination: str = entry["dst"]
    if destination != DEFAULT and "/" not in destination:
        destination = f"{destination}/{_LENGTHS[family]}"
    return Route(
        destination=destination,
        gateway=entry.get("gateway") or entry.get("via", {}).get("host", ""),
        interface=entry["dev"],
        metric=entry.get("metric", 0),
        scope=entry.get("scope", "global"),
        protocol=entry.get("protocol", ""),
        family=family,
    )
