"""What the DNS operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from osapi.contract import network
from osapi.contract.network import Adopt, InterfaceName, TakeOver
from osapi.contract.operation import Change

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"

Domain = Annotated[
    str,
    Meta(
        min_length=1, max_length=253, pattern=rf"^{_LABEL}(?:\.{_LABEL}){{0,126}}\.?$(?!\n)", examples=["example.com"]
    ),
]


Servers = Annotated[list[str], Meta(max_length=32)]
Domains = Annotated[list[Domain], Meta(max_length=32)]


class DnsQuery(Struct, kw_only=True):
    """Names the interface whose name servers are meant."""

    interface_name: InterfaceName = field(name="interfaceName")


class DnsRef(Struct, kw_only=True):
    """Names the interface whose name servers are meant."""

    interface_name: InterfaceName


class DnsUpdate(Struct, kw_only=True, omit_defaults=True):
    """Name servers and search domains to keep for an interface; a list that is left out stays as OSAPI keeps it."""

    interface_name: InterfaceName
    servers: Annotated[
        Servers | None,
        Meta(
            description="Addresses of name servers, the first one first. An empty list: none of OSAPI's.",
            examples=[["192.0.2.53", "2001:db8::53"]],
        ),
    ] = None
    search_domains: Annotated[
        Domains | None,
        Meta(description="Domains in which short names are looked for. An empty list: none of OSAPI's."),
    ] = None
    override_dhcp: Annotated[bool, Meta(description="Do not use name servers that come by DHCP.")] = False
    take_over: TakeOver = False
    adopt: Adopt = False

    def __post_init__(self) -> None:
        if self.servers is None and self.search_domains is None:
            raise ValueError("nothing to set; give servers, search_domains or both")
        for text in self.servers or []:
            network.address(text, "servers")


class DnsConfig(Struct, kw_only=True, omit_defaults=True):
    """The name servers of an interface as they are now."""

    servers: Annotated[list[str], Meta(description="Addresses of name servers, the preferred one first.")]
    search_domains: Annotated[list[str], Meta(description="Domains in which short names are looked for.")]
    source: Annotated[
        str, Meta(description="`resolved` for those of this interface; `resolv.conf` where one list serves the host.")
    ]
    managed: Annotated[bool, Meta(description="Whether OSAPI keeps some for this interface.")]


class DnsChange(Change, kw_only=True):
    """What became of the name servers of an interface."""

    interface_name: Annotated[str, Meta(description="Name of the interface.")]
