"""What a template on a host may speak of, and the digest of what it did speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from osapi.host.door import Host
from osapi.host.plan import sha256
from osapi.templates.rendering import Context


async def context(host: Host, variables: Mapping[str, Any]) -> Context:
    """Facts and name of this host, and the variables that were sent along."""
    names = await host.names()
    return Context(facts=await _facts(host), vars=dict(variables), hostname=names.hostname)


def digest(context: Context, names: Iterable[str]) -> str:
    """Digest of the values of some facts, and of the host name. The same values have the same digest."""
    values = {name: context.facts.get(name) for name in names}
    return sha256(msgspec.json.encode([context.hostname, values], order="deterministic"))


async def _facts(host: Host) -> dict[str, Any]:
    """What the host tells of itself, its labels, and distribution and version under short names."""
    names = await host.names()
    return {
        **await host.facts(),
        "distribution": host.family.id,
        "labels": dict(names.labels),
        "version": host.family.facts.get("VERSION_ID", ""),
    }
