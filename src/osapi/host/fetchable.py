"""Which files of a host may be fetched. By default none: a file may hold what its reader should not know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osapi.contract.errors import Protected

SETTING = "agent.fetch.paths"


@dataclass(frozen=True, kw_only=True)
class Fetchable:
    """`paths` are files and directories; a directory stands for everything below it. `max_bytes` bounds one file."""

    paths: tuple[str, ...] = ()
    max_bytes: int = 1024 * 1024 * 1024

    def check(self, path: str, private: Iterable[str]) -> None:
        """Raise `Protected` unless the file may be fetched. What is `private` may not, whatever is allowed."""
        if _is_below(path, private):
            raise Protected(f"{path} belongs to OSAPI's own keys and records, which nobody may fetch")
        if not _is_below(path, self.paths):
            allowed = f"there {', '.join(self.paths)} may be fetched" if self.paths else "nothing may be fetched there"
            raise Protected(
                f"{path} may not be fetched from this host: {allowed}; see the setting {SETTING} of its agent"
            )


NOTHING = Fetchable()
"""What the settings say by default."""


def _is_below(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place.rstrip('/')}/") for place in places)
