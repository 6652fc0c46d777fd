"""What is told of interfaces, from links, routes and netplan's definitions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from osapi.domains.interface.models import InterfaceInfo
from osapi.host.links import Link, Route, default_routes
from osapi.netplan import places
from osapi.netplan.tree import Sections

_FAMILIES = ("inet", "inet6")


def info(link: Link, routes: Iterable[Route], sections: Sections, managed: Collection[str]) -> InterfaceInfo:
    """One interface. `managed` holds the names of those that OSAPI configures."""
    place = places.find(sections, link.name, link)
    said = sections.get(place.section, {}).get(place.id, {})
    defaults = default_routes(routes)
    ipv4, ipv6 = (_first(link, family) for family in _FAMILIES)
    gateway4, gateway6 = (_gateway(link, defaults, family) for family in _FAMILIES)
    return InterfaceInfo(
        name=link.name,
        state=link.state,
        mtu=link.mtu,
        addresses=[address.text for address in link.addresses],
        primary=bool(defaults) and defaults[0].interface == link.name,
        managed=link.name in managed,
        dhcp4=_has_lease(link, "inet") or said.get("dhcp4") is True,
        dhcp6=_has_lease(link, "inet6") or said.get("dhcp6") is True,
        ipv4=ipv4,
        ipv6=ipv6,
        family="dual" if ipv4 and ipv6 else "inet" if ipv4 else "inet6" if ipv6 else "",
        mac=link.mac,
        mac_address=link.mac,
        gateway4=gateway4,
        gateway6=gateway6,
        wakeonlan=said.get("wakeonlan"),
        kind=link.kind,
        link=link.parent,
        vlan_id=link.vlan_id,
    )


def _first(link: Link, family: str) -> str:
    usable = (one.host for one in link.addresses if one.family == family and one.scope != "link")
    return next(usable, "")


def _gateway(link: Link, defaults: Iterable[Route], family: str) -> str:
    mine = (route.gateway for route in defaults if route.family == family and route.interface == link.name)
    return next(mine, "")


def _has_lease(link: Link, family: str) -> bool:
    return any(one.leased for one in link.addresses if one.family == family)
