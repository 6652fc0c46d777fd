"""What a job gave out while it ran, kept for a test to look at."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any


class Heard:
    """Offers `host.door.Live`. Texts are joined and lists appended, by the name of the field."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.lists: dict[str, list[Any]] = {}

    def text(self, name: str, piece: bytes) -> None:
        self.texts[name] = self.texts.get(name, b"") + piece

    def items(self, name: str, items: Sequence[Any]) -> Coroutine[Any, Any, None] | None:
        self.lists.setdefault(name, []).extend(items)
        return None
