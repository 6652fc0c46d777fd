"""What netplan and networkd leave as it is when a definition goes: MTU, hardware address, virtual interfaces. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from osapi.host.plan import Metadata
from osapi.netplan.seen import Seen
from osapi.netplan.tree import Definition

Argv = tuple[str, ...]

_KEYS = {"mtu": "mtu", "address": "macaddress"}
"""Attributes as ip-link(8) names them, and the keys of netplan that set them."""
_VIRTUAL = "virtual"
"""Noted of an interface that is there only because of our definition."""


def to_note(seen: Seen, definition: Definition, *, makes_it: bool) -> Metadata:
    """What is to be brought back one day; what was noted first stays."""
    if makes_it:
        return {_VIRTUAL: "yes"}
    altered = {key for key, said in _KEYS.items() if said in definition}
    return {
        key: seen.metadata.get(key, value) for key, value in _present(seen).items() if key in {*altered, *_noted(seen)}
    }


def to_undo_definition(seen: Seen, definition: Definition, *, makes_it: bool) -> list[Argv]:
    """What undoes a definition, its file being gone."""
    if makes_it and seen.link is None:
        return [("netplan", "apply", "--state", seen.scratch)]
    altered = (key for key, said in _KEYS.items() if said in definition)
    return [("netplan", "apply"), *_set(seen, altered, _present(seen))]


def to_complete_removal(seen: Seen) -> list[Argv]:
    """What brings the interface back to what it was before OSAPI, the file being gone."""
    if seen.link is None:
        return []
    if _VIRTUAL in seen.metadata:
        return [("ip", "link", "delete", "dev", seen.name)]
    return _set(seen, _noted(seen), seen.metadata)


def to_undo_removal(seen: Seen) -> list[Argv]:
    """What undoes that, the file being back."""
    return [("netplan", "apply"), *_set(seen, _noted(seen), _present(seen))]


def _present(seen: Seen) -> Mapping[str, str]:
    return {} if seen.link is None else {"mtu": str(seen.link.mtu), "address": seen.link.mac}


def _noted(seen: Seen) -> list[str]:
    return [key for key in _KEYS if key in seen.metadata]


def _set(seen: Seen, keys: Iterable[str], values: Mapping[str, str]) -> list[Argv]:
    return [("ip", "link", "set", "dev", seen.name, key, values[key]) for key in keys if key in values]
