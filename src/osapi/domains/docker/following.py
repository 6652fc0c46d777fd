"""Passes on what a container writes as it comes, line by line, over all its runs."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from osapi.domains.docker.frames import Frames
from osapi.domains.docker.lines import Split, line_of
from osapi.domains.docker.models import LogLine
from osapi.host.door import Live
from osapi.host.program import Stream


class Follower:
    """Takes in what the engine sends; `live` None drops it. Its `hear` is a `host.service.Heard`.

    For the next run of the container the engine is asked for what it has written since the line told last, and that
    line comes once more: what is not later than it is left out.
    """

    def __init__(self, live: Live | None, *, terminal: bool) -> None:
        self._live = live
        self._terminal = terminal
        self._split = Split(self._add)
        self._frames = Frames(self._split.add, terminal=terminal)
        self._found: list[LogLine] = []
        self._known: datetime | None = None
        self.count = 0
        """How many lines there were."""
        self.latest: datetime | None = None
        """When the latest of them was written; None before there was any."""

    def hear(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        """Take the next bytes; something to await while more lines wait than should."""
        self._frames.add(piece)
        return self._pass_on()

    async def end(self) -> None:
        """That was all of this run; what has no end yet counts as a line."""
        self._split.end()
        self._frames = Frames(self._split.add, terminal=self._terminal)
        if (room := self._pass_on()) is not None:
            await room
        self._known = self.latest

    def _add(self, stream: Stream, content: bytes) -> None:
        line = line_of(stream, content)
        if line.timestamp is not None:
            if self._known is not None and line.timestamp <= self._known:
                return
            self.latest = max(line.timestamp, self.latest or line.timestamp)
        self._found.append(line)

    def _pass_on(self) -> Coroutine[Any, Any, None] | None:
        found, self._found = self._found, []
        self.count += len(found)
        return self._live.items("lines", found) if self._live is not None and found else None
