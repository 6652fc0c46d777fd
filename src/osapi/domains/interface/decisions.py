"""What to do about the configuration of an interface, given what is on the host. Pure."""

from __future__ import annotations

import msgspec

from osapi.contract import network
from osapi.contract.errors import Conflict, NotFound
from osapi.domains.interface.models import InterfaceCreate, InterfaceSettings, InterfaceUpdate
from osapi.host.plan import Plan
from osapi.netplan import change, places
from osapi.netplan.change import Wanted
from osapi.netplan.seen import Seen, check_managed, check_new
from osapi.netplan.tree import Definition, Sections

KIND = "interface"
_VLANS = "vlans"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(InterfaceCreate).decode


def create(request: InterfaceCreate, seen: Seen) -> Plan:
    """Configure an interface that is not managed yet, or repair one that is.

    Raises `NotFound` when there is none of that name and no VLAN is asked for, and `Conflict`.
    """
    wanted = _wanted(request, seen, take_over=request.take_over)
    check_new(seen, wanted.config, replace=request.replace)
    _check_link(request, seen)
    return change.put(seen, wanted, adopt=request.adopt)


def update(request: InterfaceUpdate, seen: Seen) -> Plan:
    """Change some settings of a managed interface. Raises `NotManaged` for any other, and `Conflict`."""
    check_managed(seen)
    former = _decode(seen.metadata["config"])
    given = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
    given.pop("take_over")
    return change.put(seen, _wanted(msgspec.structs.replace(former, **given), seen, take_over=request.take_over))


def _wanted(settings: InterfaceCreate, seen: Seen, *, take_over: bool) -> Wanted:
    plain = msgspec.structs.replace(settings, take_over=False, replace=False, adopt=False)
    if settings.vlan_id is None or settings.link is None:
        return Wanted(definition=_definition(settings), config=_encode(plain).decode(), take_over=take_over)
    parent = places.find(seen.others, settings.link, seen.links.get(settings.link))
    return Wanted(
        definition={"id": settings.vlan_id, "link": parent.id, **_definition(settings)},
        config=_encode(plain).decode(),
        makes=_VLANS,
        beside=_undefined(parent, seen),
        take_over=take_over,
    )


def _definition(settings: InterfaceSettings) -> Definition:
    """The settings in the words of netplan(5), each value in its one spelling."""
    said: Definition = {
        "dhcp4": settings.dhcp4,
        "dhcp6": settings.dhcp6,
        "accept-ra": settings.accept_ra,
        "addresses": _addresses(settings),
        "routes": _routes(settings),
        "mtu": settings.mtu,
        "macaddress": None if settings.mac_address is None else settings.mac_address.lower(),
        "wakeonlan": settings.wakeonlan,
    }
    return {key: value for key, value in said.items() if value is not None}


def _addresses(settings: InterfaceSettings) -> list[str] | None:
    if settings.addresses is None:
        return None
    return list(dict.fromkeys(str(network.assigned(text, "addresses")) for text in settings.addresses))


def _routes(settings: InterfaceSettings) -> list[dict[str, str]] | None:
    """Default routes: `gateway4` and `gateway6` are deprecated in netplan."""
    gateways = {"0.0.0.0/0": settings.gateway4, "::/0": settings.gateway6}
    return [{"to": to, "via": str(network.address(via, to))} for to, via in gateways.items() if via] or None


def _undefined(parent: places.Place, seen: Seen) -> Sections:
    """A definition of the parent where there is none: netplan knows only what is defined."""
    defined = any(parent.id in names for names in seen.others.values())
    return {} if defined else {parent.section: {parent.id: {}}}


def _check_link(request: InterfaceCreate, seen: Seen) -> None:
    if request.vlan_id is None:
        if seen.link is None:
            raise NotFound(f"there is no interface {seen.name} on this host; for a VLAN, give vlan_id and link")
        return
    if request.link not in seen.links:
        raise NotFound(f"there is no interface {request.link} on this host for a VLAN to stand on")
    if seen.link is not None and (seen.link.vlan_id, seen.link.parent) != (request.vlan_id, request.link):
        raise Conflict(f"there is an interface {seen.name} on this host, which is not that VLAN; use another name")
