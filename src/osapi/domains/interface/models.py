"""What the interface operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract import network
from osapi.contract.network import Adopt, InterfaceName, Replace, TakeOver
from osapi.contract.operation import Change

Addresses = Annotated[list[str], Meta(max_length=64)]
Mtu = Annotated[int, Meta(ge=68, le=65535)]
VlanId = Annotated[int, Meta(ge=1, le=4094)]


class InterfaceRef(Struct, kw_only=True):
    """Names one network interface."""

    name: InterfaceName


class InterfaceSettings(Struct, kw_only=True, omit_defaults=True):
    """How an interface shall be configured; what is left out is not said to netplan."""

    name: InterfaceName
    dhcp4: Annotated[bool | None, Meta(description="Get an IPv4 address by DHCP.")] = None
    dhcp6: Annotated[bool | None, Meta(description="Get an IPv6 address by DHCP.")] = None
    accept_ra: Annotated[bool | None, Meta(description="Listen to router advertisements.")] = None
    addresses: Annotated[
        Addresses | None,
        Meta(
            description="Addresses with the lengths of their prefixes; all that are not from DHCP or routers.",
            examples=[["192.0.2.10/24", "2001:db8::10/64"]],
            extra={"flag": "address"},
        ),
    ] = None
    gateway4: Annotated[
        str | None, Meta(description="Router for all IPv4 that has no route of its own.", examples=["192.0.2.1"])
    ] = None
    gateway6: Annotated[
        str | None, Meta(description="Router for all IPv6 that has no route of its own.", examples=["2001:db8::1"])
    ] = None
    mtu: Annotated[Mtu | None, Meta(description="Largest packet in bytes.")] = None
    mac_address: Annotated[
        str | None, Meta(description="Hardware address to use instead of its own.", examples=["02:00:5e:10:00:01"])
    ] = None
    wakeonlan: Annotated[bool | None, Meta(description="Let a magic packet wake the host up.")] = None

    def __post_init__(self) -> None:
        for text in self.addresses or []:
            network.assigned(text, "addresses")
        if self.gateway4 is not None:
            network.gateway(self.gateway4, "gateway4", 4)
        if self.gateway6 is not None:
            network.gateway(self.gateway6, "gateway6", 6)
        if self.mac_address is not None:
            network.mac(self.mac_address, "mac_address")


class InterfaceCreate(InterfaceSettings, kw_only=True):
    """An interface to configure; with `vlan_id` and `link`, a VLAN to make."""

    vlan_id: Annotated[VlanId | None, Meta(description="Number of the VLAN to make.")] = None
    link: Annotated[
        InterfaceName | None, Meta(description="The interface that the VLAN stands on, such as `eth0`.")
    ] = None
    take_over: TakeOver = False
    replace: Replace = False
    adopt: Adopt = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.vlan_id is None) != (self.link is None):
            raise ValueError("a VLAN needs both vlan_id and link; give both or neither")
        if self.link == self.name:
            raise ValueError("link: a VLAN cannot stand on itself; name another interface")


class InterfaceUpdate(InterfaceSettings, kw_only=True):
    """What shall be different about a managed interface; what is left out stays as it is."""

    take_over: TakeOver = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if all(getattr(self, name) is None for name in InterfaceSettings.__struct_fields__ if name != "name"):
            raise ValueError("nothing to update; give at least one setting, such as addresses or mtu")


class InterfaceInfo(Struct, kw_only=True, omit_defaults=True):
    """One interface as it is now."""

    name: Annotated[str, Meta(description="Name of the interface.")]
    state: Annotated[str, Meta(description="As RFC 2863 has it: `up`, `down`, `unknown`, `lowerlayerdown`, …")]
    mtu: Annotated[int, Meta(description="Largest packet in bytes.")]
    addresses: Annotated[list[str], Meta(description="All addresses, with the lengths of their prefixes.")]
    primary: Annotated[bool, Meta(description="Whether the preferred default route leads through it.")]
    managed: Annotated[bool, Meta(description="Whether OSAPI keeps its configuration.")]
    dhcp4: Annotated[bool, Meta(description="Whether it has an IPv4 address by DHCP, or is to get one.")]
    dhcp6: Annotated[bool, Meta(description="Whether it has an IPv6 address by DHCP, or is to get one.")]
    ipv4: Annotated[str, Meta(description="The first IPv4 address that is not link-local, without prefix.")] = ""
    ipv6: Annotated[str, Meta(description="The first IPv6 address that is not link-local, without prefix.")] = ""
    family: Annotated[str, Meta(description="`inet`, `inet6` or `dual`, by these addresses.")] = ""
    mac: Annotated[str, Meta(description="The same as `mac_address`.")] = ""
    mac_address: Annotated[str, Meta(description="Hardware address.")] = ""
    gateway4: Annotated[str, Meta(description="Router of its preferred IPv4 default route.")] = ""
    gateway6: Annotated[str, Meta(description="Router of its preferred IPv6 default route.")] = ""
    wakeonlan: Annotated[
        bool | None, Meta(description="Whether netplan lets it wake the host; absent when it does not say.")
    ] = None
    kind: Annotated[str, Meta(description="Sort of virtual interface, such as `bridge` or `vlan`.")] = ""
    link: Annotated[str, Meta(description="The interface that it stands on.")] = ""
    vlan_id: Annotated[int | None, Meta(description="Number of the VLAN.")] = None


class InterfaceList(Struct, kw_only=True):
    """The interfaces of a host."""

    interfaces: Annotated[list[InterfaceInfo], Meta(description="All but loopback, in the kernel's order.")]


class InterfaceFound(Struct, kw_only=True):
    """One interface of a host."""

    interface: Annotated[InterfaceInfo, Meta(description="The interface.")]


class InterfaceChange(Change, kw_only=True):
    """What became of the configuration of an interface."""

    name: Annotated[str, Meta(description="Name of the interface.")]
