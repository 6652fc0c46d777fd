"""Names and addresses of networks, as requests may hold them: what several domains must agree on. Pure.

The checks raise `ValueError` that names field, value and remedy; models call them in `__post_init__`. What they return
is the one spelling that is compared and written: IPv6 in small letters and shortest (RFC 5952), networks
without host bits.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated

from msgspec import Meta

CHANGE_LOCK = "network"
"""No two changes of the network at once."""
CHANGE_DEADLINE = timedelta(minutes=3)
"""Time to apply a change, to see whether the host is still reached, and to undo it."""

InterfaceName = Annotated[
    str,
    Meta(
        description="Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$(?!\n)",
        examples=["eth0"],
    ),
]
"""What the kernel takes (at most 15 bytes, no blank, `/` or `:`), in ASCII, and what no program takes for an option."""

TakeOver = Annotated[
    bool,
    Meta(
        description="Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. "
        "Default: it is a conflict."
    ),
]
Replace = Annotated[bool, Meta(description="Replace everything also when OSAPI already manages other settings.")]
Adopt = Annotated[bool, Meta(description="Take over a file of the same name that OSAPI did not write.")]

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

_PREFIX = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")


_EXAMPLES = {None: "one such as 192.0.2.1 or 2001:db8::1", 4: "one such as 192.0.2.1", 6: "one such as 2001:db8::1"}


def address(text: str, field: str, version: int | None = None) -> Address:
    """An address literal, without a zone. `version` None takes both."""
    wanted = "IP" if version is None else f"IPv{version}"
    try:
        found = ip_address(text)
    except ValueError:
        raise ValueError(f"{field}: {text[:80]!r} is no {wanted} address; write {_EXAMPLES[version]}") from None
    if version not in (None, found.version) or getattr(found, "scope_id", None) is not None:
        raise ValueError(f"{field}: {text[:80]!r} is no {wanted} address; write one without a zone")
    return found


def gateway(text: str, field: str, version: int | None = None) -> Address:
    """The address of a router: that of one host."""
    found = address(text, field, version)
    _check_host(found, text, field)
    return found


def assigned(text: str, field: str) -> Interface:
    """An address with the length of its prefix, as an interface can have it."""
    if not _PREFIX.fullmatch(text):
        raise ValueError(f"{field}: {text[:80]!r} needs the length of its prefix, for example 192.0.2.10/24")
    try:
        found = ip_interface(text)
    except ValueError as problem:
        raise ValueError(f"{field}: {text[:80]!r} is no address with a prefix: {problem}") from None
    _check_host(found.ip, text, field)
    return found


def network(text: str, field: str) -> Network:
    """A network; bits of hosts in it are cleared, as the kernel does."""
    if not _PREFIX.fullmatch(text):
        raise ValueError(f"{field}: {text[:80]!r} needs the length of its prefix, for example 198.51.100.0/24")
    try:
        return ip_network(text, strict=False)
    except ValueError as problem:
        raise ValueError(f"{field}: {text[:80]!r} is no network: {problem}") from None


def mac(text: str, field: str) -> str:
    """An Ethernet address of one device, in small letters."""
    if not _MAC.fullmatch(text) or int(text[:2], 16) & 1 or not int(text.replace(":", ""), 16):
        raise ValueError(f"{field}: {text[:80]!r} is no address of one device; write six bytes, as 02:00:5e:10:00:01")
    return text.lower()


def _check_host(found: Address, text: str, field: str) -> None:
    if found.is_unspecified or found.is_multicast or found.is_loopback or str(found) == "255.255.255.255":
        raise ValueError(f"{field}: {text[:80]!r} is not the address of a host in a network")
