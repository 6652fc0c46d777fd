"""Addresses of clients, as far as they tell one client from another."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_IPV6_PREFIX = 64


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """The address; of an IPv6 address its network of 64 bits, of which one subscriber has all (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
