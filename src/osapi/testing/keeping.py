"""Output that a job keeps, in memory."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from osapi.contract.kept import Kept
from osapi.host.plan import sha256


class Shelf:
    """Offers `host.door.Keep`. `contents` is what is kept, by name; `refuses` is why nothing is."""

    def __init__(self, refuses: str = "") -> None:
        self.contents: dict[str, bytes] = {}
        self.refuses = refuses

    def spool(self, name: str) -> FakeSpool:
        return FakeSpool(self, name)


class FakeSpool:
    """Offers `host.door.Spool`."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self._name = name
        self._content = b""

    def add(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        self._content += piece
        return None

    async def finish(self, within_s: float) -> Kept:  # noqa: ARG002 - time does not pass
        if self._shelf.refuses:
            return Kept(name=self._name, error=self._shelf.refuses)
        self._shelf.contents[self._name] = self._content
        return Kept(name=self._name, size=len(self._content), sha256=sha256(self._content))

    def abandon(self) -> None:
        self._content = b""
