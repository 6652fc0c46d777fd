"""The address of the client, as it is seen or, behind proxies that the settings name, as they tell it.

A proxy writes the address it saw at the end of the header; what stands before may have been written by anybody. So
the header is read from its end, and the first address that is not one of our proxies is the client's. Only one header
counts, because a proxy passes on untouched the other one that a client has made up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from starlette.types import Scope

X_FORWARDED_FOR = "x-forwarded-for"
FORWARDED = "forwarded"

_FOR = re.compile(r'(?:^|;)\s*for=(?:"([^"]*)"|([^;,\s"]*))', re.IGNORECASE)
_PORT = re.compile(r"^(?:\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[0-9.]+)(?::\d+)?)$")
_MOST_HOPS = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress:
    """Tells addresses. `proxies` are networks in CIDR form; none means that no header is believed."""

    def __init__(self, proxies: Iterable[str] = (), header: str = X_FORWARDED_FOR) -> None:
        self._proxies: Sequence[Network] = [ipaddress.ip_network(text, strict=False) for text in proxies]
        self._header = header.encode()
        self._hops = _forwarded if header == FORWARDED else _x_forwarded_for

    def of(self, scope: Scope) -> str:
        """The client's address; empty when the connection has none."""
        client = scope.get("client")
        seen = "" if client is None else str(client[0])
        if not self._proxies or not self._is_proxy(seen):
            return seen
        told = b",".join(value for name, value in scope["headers"] if name == self._header).decode("latin-1")
        for hop in list(reversed(self._hops(told)))[:_MOST_HOPS]:
            address = _address(hop)
            if address is None:
                return seen  # made up, or hidden on purpose (RFC 7239, 6.3): the last one we know
            seen = address
            if not self._is_proxy(address):
                return address
        return seen

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def _x_forwarded_for(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _forwarded(text: str) -> list[str]:
    """The `for` of each element of RFC 7239; an element without one counts as hidden."""
    found: list[str] = []
    for element in text.split(","):
        if element.strip():
            match = _FOR.search(element.strip())
            found.append("" if match is None else match[1] or match[2] or "")
    return found


def _address(text: str) -> str | None:
    """The address without a port, in its one usual form. None for what is none."""
    match = _PORT.match(text)
    bare = text if match is None else match["six"] or match["four"]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
