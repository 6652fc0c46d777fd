"""Which system a host runs and which families it descends from: os-release(5), or the version file of macOS."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

ROOT_FAMILY = "linux"
DARWIN = "darwin"
PATHS = ("/etc/os-release", "/usr/lib/os-release", "/System/Library/CoreServices/SystemVersion.plist")
"""Where a system says what it is. The last is what sw_vers(1) of macOS reads; macOS has neither of the others."""
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BEHIND = {"ubuntu": "debian"}
"""What a distribution descends from, for those of its descendants that name it alone in ID_LIKE."""


@dataclass(frozen=True)
class Family:
    """A distribution: its id, its ancestry from itself to `linux`, and the other facts of os-release(5).

    macOS is `darwin` and descends from nothing else; its facts have the names that os-release(5) gives them.
    """

    id: str
    chain: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The family for people: the oldest ancestor that is a distribution, for example `debian` for Ubuntu."""
        return self.chain[-2:][0]


def parse(text: str) -> Family:
    """Read os-release(5): shell-like assignments; lines that are none are passed over.

    Without ID the distribution is `linux`, as os-release(5) says.
    """
    facts = dict(filter(None, map(_assignment, text.splitlines())))
    identifier = facts.get("ID", ROOT_FAMILY).lower()
    likes = facts.get("ID_LIKE", "").lower().split()
    behind = [_BEHIND[name] for name in (identifier, *likes) if name in _BEHIND]
    names = (identifier, *likes, *behind)
    chain = dict.fromkeys(name for name in names if _ID.fullmatch(name) and name != ROOT_FAMILY)
    return Family(id=identifier, chain=(*chain, ROOT_FAMILY), facts=facts)


async def detect(read: Callable[[str], Awaitable[bytes | None]]) -> Family:
    """The family of the host whose files `read` reads. A host that does not say what it is, is plain `linux`."""
    return recognise([await read(path) for path in PATHS])


def recognise(contents: Sequence[bytes | None]) -> Family:
    """The family of a host whose files `PATHS` hold this; None for one that is not there."""
    *releases, system_version = contents
    release = next((content for content in releases if content is not None), None)
    if release is None and system_version is not None:
        return _darwin(system_version)
    return parse((release or b"").decode("utf-8", "replace"))


def _darwin(system_version: bytes) -> Family:
    """Read the property list that names a version of macOS. One that cannot be read is macOS all the same."""
    import plistlib
    from xml.parsers.expat import ExpatError

    told: dict[str, object] = {}
    with contextlib.suppress(plistlib.InvalidFileException, ExpatError, ValueError):
        told |= plistlib.loads(system_version)
    name, version = str(told.get("ProductName", "macOS")), str(told.get("ProductVersion", ""))
    build = str(told.get("ProductBuildVersion", ""))
    facts = {"NAME": name, "VERSION_ID": version, "BUILD_ID": build, "PRETTY_NAME": f"{name} {version}".strip()}
    return Family(id=DARWIN, chain=(DARWIN,), facts=facts)


def _assignment(line: str) -> tuple[str, str] | None:
    key, equals, value = line.strip().partition("=")
    if not equals or key.startswith("#"):
        return None
    try:
        words = shlex.split(value)
    except ValueError:
        return None
    return key, " ".join(words)
