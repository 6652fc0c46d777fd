"""From what journalctl prints while it goes on to entries, piece by piece."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from osapi.domains.log import journal
from osapi.domains.log.models import LogEntry
from osapi.host.door import Live
from osapi.host.program import Stream

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of a line; an entry that is longer is left out, and counts as unreadable."""


class Follower:
    """Passes entries on as they come; `live` None drops them. Its `hear` is a `host.program.OnOutput`."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._rest = bytearray()
        self._skipping = False
        self.count = 0
        """How many entries there were."""
        self.unreadable = False

    def hear(self, stream: Stream, piece: bytes) -> Coroutine[Any, Any, None] | None:
        """Take the next bytes; something to await while more entries wait than should."""
        found = self._entries(piece) if stream == "stdout" else []
        self.count += len(found)
        return self._live.items("entries", found) if self._live is not None and found else None

    def _entries(self, piece: bytes) -> list[LogEntry]:
        self._rest += piece
        *lines, rest = self._rest.split(b"\n")
        if self._skipping and lines:
            self._skipping = False
            del lines[0]
        self._skipping = self._skipping or len(rest) > LONGEST_LINE
        self._rest = bytearray() if self._skipping else rest
        self.unreadable = self.unreadable or self._skipping
        entries = [journal.entry(bytes(line)) for line in lines if line.startswith(b"{")]
        self.unreadable = self.unreadable or None in entries
        return [entry for entry in entries if entry is not None]
