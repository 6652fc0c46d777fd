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

    def spool(self, name: str, most: int | None = None) -> FakeSpool:
        return FakeSpool(self, name, most)


class FakeSpool:
    """Offers `host.door.Spool`."""

    def __init__(self, shelf: Shelf, name: str, most: int | None) -> None:
        self._shelf = shelf
        self._most = most
        self._name = name
        self._content = b""

    def add(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        self._content += piece
        return None

    async def finish(self, within_s: float) -> Kept:  # noqa: ARG002 - time does not pass
        if self._shelf.refuses:
            return Kept(name=self._name, error=self._shelf.refuses)
        content = self._content[: self._most]
        self._shelf.contents[self._name] = content
        truncated = len(content) < len(self._content)
        return Kept(name=self._name, size=len(content), sha256=sha256(content), truncated=truncated)

    def abandon(self) -> None:
        self._content = b""
