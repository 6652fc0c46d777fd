"""Which distribution a host runs, from os-release(5), and which families it descends from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

ROOT_FAMILY = "linux"
_PATHS = ("/etc/os-release", "/usr/lib/os-release")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Family:
    """A distribution: its id, its ancestry from itself to `linux`, and the other facts of os-release(5)."""

    id: str
    chain: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The family for people: the oldest ancestor that is a distribution, for example `debian` for Ubuntu."""
        return self.chain[-2] if len(self.chain) > 1 else ROOT_FAMILY


def parse(text: str) -> Family:
    """Read os-release(5): shell-like assignments; lines that are none are passed over.

    Without ID the distribution is `linux`, as os-release(5) says.
    """
    facts = dict(filter(None, map(_assignment, text.splitlines())))
    identifier = facts.get("ID", ROOT_FAMILY).lower()
    likes = facts.get("ID_LIKE", "").lower().split()
    chain = dict.fromkeys(name for name in (identifier, *likes) if _ID.fullmatch(name) and name != ROOT_FAMILY)
    return Family(id=identifier, chain=(*chain, ROOT_FAMILY), facts=facts)


async def detect(read: Callable[[str], Awaitable[bytes | None]]) -> Family:
    """The family of the host whose files `read` reads. A host without os-release is plain `linux`."""
    for path in _PATHS:
        content = await read(path)
        if content is not None:
            return parse(content.decode("utf-8", "replace"))
    return parse("")


def _assignment(line: str) -> tuple[str, str] | None:
    key, equals, value = line.strip().partition("=")
    if not equals or key.startswith("#"):
        return None
    try:
        words = shlex.split(value)
    except ValueError:
        return None
    return key, " ".join(words)
