"""What to do about the name servers of an interface, given what is on the host. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from osapi.contract import network
from osapi.contract.errors import NotFound
from osapi.domains.dns.models import DnsUpdate
from osapi.host.plan import Plan
from osapi.netplan import change
from osapi.netplan.change import Wanted
from osapi.netplan.seen import Seen
from osapi.netplan.tree import Definition

KIND = "dns"

_decode = msgspec.json.Decoder(DnsUpdate).decode


def update(request: DnsUpdate, seen: Seen) -> Plan:
    """Keep name servers and search domains. A list that is left out stays as it is kept.

    Raises `NotFound` when there is no such interface, and `Conflict`.
    """
    if seen.link is None:
        raise NotFound(f"there is no interface {seen.name} on this host")
    return change.put(seen, _wanted(_merged(request, seen), take_over=request.take_over), adopt=request.adopt)


def _merged(request: DnsUpdate, seen: Seen) -> DnsUpdate:
    if "config" not in seen.metadata:
        return request
    former = _decode(seen.metadata["config"])
    servers = former.servers if request.servers is None else request.servers
    domains = former.search_domains if request.search_domains is None else request.search_domains
    return msgspec.structs.replace(request, servers=servers, search_domains=domains)


def _wanted(settings: DnsUpdate, *, take_over: bool) -> Wanted:
    plain = msgspec.structs.replace(settings, take_over=False, adopt=False)
    return Wanted(definition=_definition(settings), config=msgspec.json.encode(plain).decode(), take_over=take_over)


def _definition(settings: DnsUpdate) -> Definition:
    """The settings in the words of netplan(5)."""
    lists: dict[str, Any] = {
        "addresses": [str(network.address(text, "servers")) for text in settings.servers or []],
        "search": [name.rstrip(".") for name in settings.search_domains or []],
    }
    said: Definition = {"nameservers": {key: list(dict.fromkeys(values)) for key, values in lists.items() if values}}
    if settings.override_dhcp:
        said |= {"dhcp4-overrides": {"use-dns": False}, "dhcp6-overrides": {"use-dns": False}}
    return said
