"""Ports, volumes, variables and labels as people write them, read strictly. Pure.

The forms are those of docker-run(1), without what means something else for every run (random ports, anonymous
volumes). What does not fit is a `ValueError` that names the entry; the value of a variable is never in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_PORT = r"[0-9]{1,5}(?:-[0-9]{1,5})?"
_PORTS = re.compile(rf"(?:(\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?({_PORT}):({_PORT})(?:/(tcp|udp|sctp))?")
_VOLUME = re.compile(r"([^:]+):([^:]+)(?::(ro|rw))?", re.DOTALL)
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[^\x00-\x1f\x7f:/]+)+|/")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=([^\x00]*)", re.DOTALL)
_LABEL = re.compile(r"([^=\x00-\x1f\x7f]+)=([^\x00]*)", re.DOTALL)
_RANGE_MAX = 1000
_SHOWN = 80


@dataclass(frozen=True, order=True)
class Port:
    """A port of the container that can be reached at a port of the host. `address` empty: at all of its addresses."""

    container: int
    protocol: str
    address: str
    host: int

    @property
    def key(self) -> str:
        """As the engine writes the container's side."""
        return f"{self.container}/{self.protocol}"

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address and f'{address}:'}{self.host}:{self.key}"


@dataclass(frozen=True, order=True)
class Volume:
    """A directory or file of the host, or a named volume, that the container sees at `target`."""

    target: str
    source: str
    read_only: bool = False

    @property
    def is_bind(self) -> bool:
        """Whether it is a path of the host."""
        return self.source.startswith("/")

    def __str__(self) -> str:
        return f"{self.source}:{self.target}{':ro' if self.read_only else ''}"


def ports(texts: Sequence[str]) -> tuple[Port, ...]:
    """Ports in order; a range stands for each of its ports."""
    found = [port for several in _each("ports", texts, _ports) for port in several]
    _refuse_twice("ports", (f"{port.address}:{port.host}/{port.protocol}".removeprefix(":") for port in found))
    return tuple(sorted(found))


def volumes(texts: Sequence[str]) -> tuple[Volume, ...]:
    """Volumes, by where they are seen."""
    found = list(_each("volumes", texts, _volume))
    _refuse_twice("volumes", (volume.target for volume in found))
    return tuple(sorted(found))


def variables(texts: Sequence[str]) -> dict[str, str]:
    """Variables of an environment by name."""
    return _pairs("env", texts, _variable)


def labels(texts: Sequence[str]) -> dict[str, str]:
    """Labels by key."""
    return _pairs("labels", texts, _label)


def addresses(texts: Sequence[str]) -> None:
    """Check addresses of name servers."""
    list(_each("dns", texts, ipaddress.ip_address))


def restart(text: str) -> tuple[str, int]:
    """Name of a restart policy and how often it tries; 0: without end. The text fits the model's pattern."""
    name, _, count = text.partition(":")
    return name, int(count or 0)


def _ports(text: str) -> list[Port]:
    match = _PORTS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:_SHOWN]!r} is not [ADDRESS:]HOST:CONTAINER[/PROTOCOL], as in 127.0.0.1:8080:80/tcp")
    address = str(ipaddress.ip_address(match[1].strip("[]"))) if match[1] else ""
    ours, theirs = _range(match[2]), _range(match[3])
    if len(ours) != len(theirs) or len(ours) > _RANGE_MAX:
        raise ValueError(f"{text!r}: both ranges must have the same length, at most {_RANGE_MAX}")
    protocol = match[4] or "tcp"
    return [Port(container, protocol, address, host) for host, container in zip(ours, theirs, strict=True)]


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f"{text!r} is no port or range of ports; they go from 1 to 65535")
    return range(low, high + 1)


def _volume(text: str) -> Volume:
    match = _VOLUME.fullmatch(text)
    if match is None or not _PATH.fullmatch(match[2]) or match[2] == "/":
        raise ValueError(f"{text[:_SHOWN]!r} is not SOURCE:TARGET[:ro], as in /srv/data:/data:ro; TARGET is absolute")
    if not (_PATH.fullmatch(match[1]) or _VOLUME_NAME.fullmatch(match[1])):
        raise ValueError(f"{match[1][:_SHOWN]!r} is neither an absolute path nor the name of a volume")
    return Volume(match[2], match[1], read_only=match[3] == "ro")


def _variable(text: str) -> tuple[str, str]:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise ValueError("not NAME=VALUE; a name has letters, digits, `_`, `.` and `-`, a value no NUL")
    return match[1], match[2]


def _label(text: str) -> tuple[str, str]:
    match = _LABEL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:_SHOWN]!r} is not KEY=VALUE")
    return match[1], match[2]


def _pairs(field: str, texts: Sequence[str], read: Callable[[str], tuple[str, str]]) -> dict[str, str]:
    found = list(_each(field, texts, read))
    _refuse_twice(field, (name for name, _ in found))
    return dict(found)


def _each(field: str, texts: Sequence[str], read: Callable[[str], T]) -> Iterator[T]:
    for number, text in enumerate(texts):
        try:
            yield read(text)
        except ValueError as fault:
            raise ValueError(f"{field}[{number}]: {fault}") from None


def _refuse_twice(field: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{field}: {twice[0]!r} is given more than once")
