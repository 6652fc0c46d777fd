"""A bucket in memory, for what is fed by one watch."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from osapi.contract.errors import Conflict
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.watch import Watch


class Stored:
    """Tells whoever watches what is stored and then what changes. A watch of it lasts as long as it does."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.refuses: list[Exception] = []
        """What the next attempts to store something end with."""
        self.watched: list[str] = []
        """The filter of each watch."""
        self._tell: list[Callable[[Entry], None]] = []

    @property
    def bucket(self) -> Bucket:
        """As which the rest knows it."""
        return cast("Bucket", self)

    async def watch(
        self, keys: str, on_entry: Callable[[Entry], None], *, on_ready: Callable[[], None], on_reset: object
    ) -> Watch:
        self.watched.append(keys)
        self._tell.append(on_entry)
        for entry in self.entries.values():
            on_entry(entry)
        on_ready()
        return cast("Watch", self)

    async def stop(self) -> None:
        """The end of a watch."""

    async def create(self, key: str, value: bytes) -> int:
        if self.refuses:
            raise self.refuses.pop(0)
        if key in self.entries:
            raise Conflict("exists")
        self.entries[key] = made = Entry(key, value, 1, deleted=False, created_ns=0)
        self._changed(made)
        return 1

    async def purge(self, key: str) -> None:
        self.entries.pop(key, None)
        self._changed(Entry(key, b"", 1, deleted=True, created_ns=0))

    def _changed(self, entry: Entry) -> None:
        for tell in self._tell:
            tell(entry)
