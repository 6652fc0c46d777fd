"""All files that netplan reads, and what it makes of them together. Pure; see netplan(5) and netplan-generate(8).

Files are read in the order of their names, whichever folder they are in. Of the same name, /run hides /etc and
/etc hides /usr/lib. Mappings are merged, later scalars replace earlier ones, and lists grow: what stands in another
file cannot be taken away by a file of one's own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from osapi.contract.errors import Permanent

DIRECTORIES = ("/usr/lib/netplan", "/etc/netplan", "/run/netplan")
"""Later ones hide files of the same name in earlier ones."""
SUFFIX = ".yaml"
HEADER = "# Written by OSAPI, which replaces this file as a whole.\n"

_SECTIONS = frozenset(
    (
        *("ethernets", "wifis", "modems", "bridges", "bonds", "vlans", "vrfs", "tunnels"),
        *("dummy-devices", "virtual-ethernets", "nm-devices"),
    )
)
"""Those that hold definitions of interfaces."""
_TAG = "tag:yaml.org,2002:"

Definition = dict[str, Any]
"""What is said about one interface."""
Sections = dict[str, dict[str, Definition]]
"""Definitions by section (`ethernets`, `vlans`, …) and id."""


class _Loader(yaml.CSafeLoader):
    """Takes for numbers only what is written in decimal: to YAML 1.1 a MAC address can be a number to base 60."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, form) for tag, form in resolvers if tag in (f"{_TAG}bool", f"{_TAG}null", f"{_TAG}merge")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


for _first in "-0123456789":
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).append((f"{_TAG}int", re.compile(r"^(?:0|-?[1-9][0-9]*)$")))


@dataclass(frozen=True)
class Tree:
    """The files that count, by path, in the order in which they are read."""

    files: Mapping[str, bytes]

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Tree:
        """Of all files there are, in any order."""
        by_name: dict[str, str] = {}
        for directory in DIRECTORIES:
            by_name |= {posixpath.basename(path): path for path in files if posixpath.dirname(path) == directory}
        return cls({by_name[name]: files[by_name[name]] for name in sorted(by_name)})

    def after(self, changes: Mapping[str, bytes | None]) -> Tree:
        """With some files changed; None takes one away."""
        files = {**self.files, **changes}
        return Tree.of({path: content for path, content in files.items() if content is not None})

    def without(self, path: str) -> Tree:
        """All other files."""
        return self.after({path: None})

    def parsed(self) -> Iterator[tuple[str, Sections]]:
        """What each file says. Raises `Permanent` (`invalid_config`)."""
        for path, content in self.files.items():
            yield path, parse(path, content)

    def merged(self) -> Sections:
        """What all files say together. Raises `Permanent` (`invalid_config`)."""
        found: Sections = {}
        for _, sections in self.parsed():
            found = merge(found, sections)
        return found


def parse(path: str, content: bytes) -> Sections:
    """The definitions in a file. Raises `Permanent` (`invalid_config`) for what netplan would not read either."""
    try:
        return {
            section: {str(name): _mapping(said) for name, said in _mapping(names).items()}
            for section, names in _network(content).items()
            if section in _SECTIONS
        }
    except (yaml.YAMLError, TypeError) as problem:
        told = " ".join(str(problem).split())
        raise Permanent(
            f"{path} is no valid netplan file; repair or remove it: {told}", code="invalid_config"
        ) from None


def edit(content: bytes, section: str, name: str, key: str, value: Any) -> bytes:
    """A file that can be parsed, with another value for one key of a definition; None takes the key away.

    Comments are lost.
    """
    network = _network(content)
    definition = _mapping(_mapping(network[section]).get(name))
    changed = {known: said for known, said in definition.items() if known != key}
    network[section][name] = changed if value is None else {**changed, key: value}
    return _dump({"network": network})


def compose(sections: Sections) -> bytes:
    """A file of OSAPI's own."""
    filled = {section: names for section, names in sections.items() if names}
    return HEADER.encode() + _dump({"network": {"version": 2, **filled}})


def merge(first: Any, then: Any) -> Any:
    """What netplan makes of two values of one key, the second from the file that is read later."""
    if isinstance(first, dict) and isinstance(then, dict):
        before, after = cast("dict[str, Any]", first), cast("dict[str, Any]", then)
        return before | {key: merge(before[key], value) if key in before else value for key, value in after.items()}
    known, more = entries(first), entries(then)
    if known is None or more is None:
        return then
    return known + [entry for entry in more if entry not in known]


def entries(value: Any) -> list[Any] | None:
    """The value, if it is a list."""
    return value if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]


def _network(content: bytes) -> dict[str, Any]:
    document = yaml.load(content, Loader=_Loader)  # noqa: S506 - derived from the safe loader
    return _mapping(_mapping(document).get("network"))


def _mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"a mapping is needed instead of {str(value)[:40]!r}")
    return cast("dict[str, Any]", value)


def _dump(document: dict[str, Any]) -> bytes:
    text: bytes = yaml.dump(document, Dumper=yaml.CSafeDumper, encoding="utf-8", sort_keys=False, allow_unicode=True)
    return text
