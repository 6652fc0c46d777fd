"""Network interfaces, addresses and routes as the kernel has them, by `ip -json`; see ip-address(8), ip-route(8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from osapi.contract.errors import Permanent
from osapi.host.acting import failure_of
from osapi.host.program import Completed

ADDRESSES = ("ip", "-json", "-details", "address", "show")
ROUTES = (("ip", "-json", "-4", "route", "show"), ("ip", "-json", "-6", "route", "show"))
DEFAULT = "default"
"""Destination of a route for everything."""

_LENGTHS = {"inet": 32, "inet6": 128}


class _Address(msgspec.Struct):
    family: str = ""
    local: str = ""
    prefixlen: int = 0
    scope: str = ""
    protocol: str = ""
    dynamic: bool = False
    mngtmpaddr: bool = False
    temporary: bool = False


class _Data(msgspec.Struct):
    id: Any = None


class _Info(msgspec.Struct):
    info_kind: str = ""
    info_data: _Data = msgspec.field(default_factory=_Data)


class _Link(msgspec.Struct):
    ifname: str = ""
    flags: list[str] = []
    mtu: int = 0
    address: str = ""
    operstate: str = "UNKNOWN"
    link: str = ""
    linkinfo: _Info = msgspec.field(default_factory=_Info)
    addr_info: list[_Address] = []


class _Via(msgspec.Struct):
    host: str = ""


class _Hop(msgspec.Struct):
    dev: str = ""
    gateway: str = ""
    via: _Via = msgspec.field(default_factory=_Via)


class _Route(_Hop):
    dst: str = ""
    metric: int = 0
    scope: str = "global"
    protocol: str = ""
    nexthops: list[_Hop] = []


T = TypeVar("T")


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
    mac: str
    """Empty for interfaces that have none."""
    mtu: int
    """Bytes; 0 where the kernel tells none."""
    state: str
    """As RFC 2863 names it, in small letters: `up`, `down`, `unknown` (such as loopback), `lowerlayerdown`, …"""
    kind: str
    """What sort of virtual interface, for example `bridge` or `vlan`; empty for hardware."""
    parent: str
    """The interface that it stands on, as a VLAN does; empty for none."""
    vlan_id: int | None
    is_up: bool
    """Whether it is switched on; that it also has a carrier is `state`."""
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
    """Every interface, in the kernel's order. Raises `MissingTool` when iproute2 is not installed."""
    return parse_links(await _ask(host, ADDRESSES))


async def routes(host: Runner) -> list[Route]:
    """Every route of the main table, in the kernel's order, IPv4 first."""
    found = [parse_routes(await _ask(host, argv), family) for argv, family in zip(ROUTES, _LENGTHS, strict=True)]
    return [route for family in found for route in family]


def parse_links(text: bytes) -> list[Link]:
    """What `ADDRESSES` prints; it may lack details. Raises `Permanent` (`unreadable`)."""
    return [_link(entry) for entry in _decode(text, list[_Link]) if entry.ifname]


def parse_routes(text: bytes, family: str) -> list[Route]:
    """What `ROUTES` prints, which may be nothing at all. A route over several gateways is several routes.

    Routes that lead nowhere (`blackhole` and the like) have no interface and are left out. Raises as `parse_links`.
    """
    entries = _decode(text or b"[]", list[_Route])
    return [_route(entry, hop, family) for entry in entries for hop in (*entry.nexthops, entry) if hop.dev]


def default_routes(found: Iterable[Route]) -> list[Route]:
    """The routes for everything, the preferred ones first: IPv4 before IPv6, lower metrics before higher."""
    defaults = [route for route in found if route.destination == DEFAULT]
    return sorted(defaults, key=lambda route: (route.family, route.metric))


async def _ask(host: Runner, argv: tuple[str, ...]) -> bytes:
    done = await host.run(argv)
    if done.exit_code != 0:
        raise failure_of(done)
    return done.stdout


def _decode(text: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=wanted)
    except msgspec.DecodeError as problem:
        raise Permanent(f"ip printed something else than its usual JSON: {problem}", code="unreadable") from problem


def _link(entry: _Link) -> Link:
    kind = entry.linkinfo.info_kind
    return Link(
        name=entry.ifname,
        mac=entry.address,
        mtu=entry.mtu,
        state=entry.operstate.lower(),
        kind=kind,
        parent=entry.link,
        vlan_id=entry.linkinfo.info_data.id if kind == "vlan" else None,
        is_up="UP" in entry.flags,
        is_loopback="LOOPBACK" in entry.flags,
        addresses=tuple(_address(found) for found in entry.addr_info if found.local),
    )


def _address(entry: _Address) -> LinkAddress:
    by_router = entry.protocol == "kernel_ra" or entry.mngtmpaddr or entry.temporary
    return LinkAddress(
        text=f"{entry.local}/{entry.prefixlen}",
        family=entry.family,
        scope=entry.scope,
        leased=entry.dynamic and not by_router,
    )


def _route(entry: _Route, hop: _Hop, family: str) -> Route:
    destination = entry.dst if entry.dst == DEFAULT or "/" in entry.dst else f"{entry.dst}/{_LENGTHS[family]}"
    return Route(
        destination=destination,
        gateway=hop.gateway or hop.via.host,
        interface=hop.dev,
        metric=entry.metric,
        scope=entry.scope,
        protocol=entry.protocol,
        family=family,
    )
