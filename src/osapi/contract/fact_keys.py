"""The names of facts, as references and target queries use them, and how each is read.

A built-in key may have several values on one host: a reference stands for the first, a query is satisfied by
any. Custom facts are `custom.NAME`, and `custom.NAME.NAME` for those within others.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from osapi.contract.facts import HostFacts, HostInterface, OsRelease

CUSTOM = "custom."

Values = tuple[str, ...]


@dataclass(frozen=True)
class FactKey:
    """One built-in fact. `read` gives its values on a host; empty ones count as none."""

    key: str
    description: str
    read: Callable[[HostFacts], tuple[object, ...]]


def values(facts: HostFacts, key: str) -> Values:
    """The values of a fact on a host, as text; none when the host does not tell it."""
    if key.startswith(CUSTOM):
        return _texts(custom(facts, key))
    known = BUILT_IN.get(key)
    return () if known is None else tuple(text for value in known.read(facts) for text in _texts(value))


def custom(facts: HostFacts, key: str) -> Any:
    """A custom fact as it is: text, number, truth, list or group; None when there is none of that key."""
    found: Any = facts.facts
    for name in key.removeprefix(CUSTOM).split("."):
        if not isinstance(found, dict):
            return None
        found = cast("dict[str, Any]", found).get(name)
    return found


def custom_keys(facts: HostFacts) -> Iterator[str]:
    """The keys of all custom facts that have a value, also within groups."""
    yield from _keys(CUSTOM.rstrip("."), facts.facts)


def _keys(prefix: str, group: dict[str, Any]) -> Iterator[str]:
    for name, value in group.items():
        key = f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from _keys(key, cast("dict[str, Any]", value))
        else:
            yield key


def text(value: object) -> str:
    """A single value as text: `true` and `false`, numbers as JSON writes them, text as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def unknown(key: str) -> str:
    """What to say about a key that no host has."""
    close = difflib.get_close_matches(key, BUILT_IN, n=3)
    hint = (
        f"did you mean {' or '.join(close)}" if close else "`osapi client facts keys` lists them, yours are custom.NAME"
    )
    return f"there is no fact {key!r}; {hint}"


def _texts(value: object) -> Values:
    if value is None or value == "" or isinstance(value, dict):
        return ()
    if isinstance(value, list | tuple):
        return tuple(text for one in cast("list[object]", value) for text in _texts(one))
    return (text(value),)


def _primary(facts: HostFacts) -> HostInterface:
    """The interface of the default route; an empty one when there is none."""
    found = (one for one in facts.interfaces if one.name == facts.primary_interface)
    return next(found, HostInterface(name=""))


def _system(facts: HostFacts) -> OsRelease:
    return facts.os_release or OsRelease(id="", family=())


def _addresses(facts: HostFacts) -> tuple[str, ...]:
    """Every address, those of the primary interface first."""
    primary = _primary(facts)
    rest = (one.partition("/")[0] for interface in facts.interfaces for one in interface.addresses)
    return tuple(dict.fromkeys((primary.ipv4, primary.ipv6, *rest)))


def _ipv4(facts: HostFacts) -> tuple[str, ...]:
    return tuple(one for one in _addresses(facts) if ":" not in one)


def _ipv6(facts: HostFacts) -> tuple[str, ...]:
    return tuple(one for one in _addresses(facts) if ":" in one)


_KEYS = (
    FactKey("hostname", "Name of the host.", lambda facts: (facts.hostname,)),
    FactKey("fqdn", "Fully qualified name, where the resolver knows one.", lambda facts: (facts.fqdn,)),
    FactKey("machine_id", "Permanent id of the host.", lambda facts: (facts.machine_id,)),
    FactKey(
        "arch",
        "Machine type, as `uname -m` prints it. A query may also name it as dpkg does.",
        lambda facts: (facts.architecture, facts.architecture_debian),
    ),
    FactKey(
        "arch.debian", "Machine type as dpkg calls it, for example `amd64`.", lambda facts: (facts.architecture_debian,)
    ),
    FactKey("kernel", "Release of the kernel, as `uname -r` prints it.", lambda facts: (facts.kernel_version,)),
    FactKey("os", "Distribution, for example `debian`.", lambda facts: (_system(facts).id,)),
    FactKey("os.name", "Name of the distribution for people.", lambda facts: (_system(facts).name,)),
    FactKey("os.version", "Version of the distribution.", lambda facts: (_system(facts).version,)),
    FactKey("os.codename", "Name of that version.", lambda facts: (_system(facts).codename,)),
    FactKey("os.family", "The distribution, and what it descends from.", lambda facts: _system(facts).family),
    FactKey("service_mgr", "What starts services, for example `systemd`.", lambda facts: (facts.service_mgr,)),
    FactKey("package_mgr", "Package manager, for example `apt`.", lambda facts: (facts.package_mgr,)),
    FactKey(
        "containerized", "Whether the host is a container: `true` or `false`.", lambda facts: (facts.containerized,)
    ),
    FactKey("container", "Kind of container, or `none`.", lambda facts: (facts.container,)),
    FactKey("virtualization", "Kind of virtual machine, or `none`.", lambda facts: (facts.virtualization,)),
    FactKey("cpu.count", "Number of processors.", lambda facts: (facts.cpu_count,)),
    FactKey("cpu.model", "What the processor calls itself.", lambda facts: (facts.cpu_model,)),
    FactKey("memory.total", "Main memory in bytes.", lambda facts: (facts.memory_total,)),
    FactKey("swap.total", "Swap space in bytes.", lambda facts: (facts.swap_total,)),
    FactKey("interface.primary", "Interface of the default route.", lambda facts: (facts.primary_interface,)),
    FactKey(
        "interface",
        "Interfaces that are up, that of the default route first.",
        lambda facts: tuple(dict.fromkeys((facts.primary_interface, *(one.name for one in facts.interfaces)))),
    ),
    FactKey("address.ipv4", "IPv4 addresses, that of the primary interface first.", _ipv4),
    FactKey("address.ipv6", "IPv6 addresses, that of the primary interface first.", _ipv6),
    FactKey("mac", "Hardware address of the primary interface.", lambda facts: (_primary(facts).mac,)),
    FactKey("disk", "Names of the disks.", lambda facts: tuple(one.name for one in facts.disks)),
    FactKey("mount", "Where local file systems are mounted.", lambda facts: tuple(one.path for one in facts.mounts)),
)

BUILT_IN = {key.key: key for key in _KEYS}
"""Every built-in fact by its key."""
