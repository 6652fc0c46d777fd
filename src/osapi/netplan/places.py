"""Where definitions go: which file is OSAPI's, and by which section and id netplan knows an interface. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osapi.contract.errors import Invalid
from osapi.contract.network import interface
from osapi.host.links import Link
from osapi.netplan.tree import Sections

DIRECTORY = "/etc/netplan"
OWN = f"{DIRECTORY}/90-osapi-"
"""How the names of all files of OSAPI begin."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A section and an id in it, where a definition stands."""

    section: str
    id: str


def file_path(kind: str, name: str) -> str:
    """OSAPI's file for one concern (`interface`, `dns`, `routes`) of one interface. Raises `Invalid` for no such name.

    The concern comes first, so that no name of an interface can mean another's file.
    """
    try:
        return f"{OWN}{kind}-{interface(name)}.yaml"
    except ValueError as problem:
        raise Invalid(str(problem)) from None


def find(sections: Sections, name: str, link: Link | None) -> Place:
    """Where netplan knows the interface; where nothing does, its name among the ethernets.

    An id stands for the interface of that name unless it has a `match`; with one, for what it matches: a name
    that is given (`set-name`), a name, or a hardware address. There any kind of interface can be configured that
    exists without netplan: only a definition in the section of its kind would make netplan create it.
    """
    for section, names in sections.items():
        for known, said in names.items():
            match = said.get("match")
            if known == name if match is None else _matches(said, match, name, link):
                return Place(section=section, id=known)
    return Place(section="ethernets", id=name)


def _matches(said: dict[str, Any], match: dict[str, Any], name: str, link: Link | None) -> bool:
    if "set-name" in said:
        return bool(said["set-name"] == name)
    mac = str(match.get("macaddress", "")).lower()
    return match.get("name") == name or (link is not None and bool(mac) and mac == link.mac)
