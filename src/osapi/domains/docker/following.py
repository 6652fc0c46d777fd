"""Passes on what a container writes as it comes, line by line."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from osapi.domains.docker.frames import Frames
from osapi.domains.docker.lines import Split, line_of
from osapi.domains.docker.models import LogLine
from osapi.host.door import Live
from osapi.host.program import Stream


class Follower:
    """Takes in what the engine sends; `live` None drops it. Its `hear` is a `host.service.Heard`."""

    def __init__(self, live: Live | None, *, terminal: bool) -> None:
        self._live = live
        self._split = Split(self._add)
        self._frames = Frames(self._split.add, terminal=terminal)
        self._found: list[LogLine] = []
        self.count = 0
        """How many lines there were."""

    def hear(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        """Take the next bytes; something to await while more lines wait than should."""
        self._frames.add(piece)
        return self._pass_on()

    async def end(self) -> None:
        """That was all; what has no end yet counts as a line."""
        self._split.end()
        if (room := self._pass_on()) is not None:
            await room

    def _add(self, stream: Stream, line: bytes) -> None:
        self._found.append(line_of(stream, line))

    def _pass_on(self) -> Coroutine[Any, Any, None] | None:
        found, self._found = self._found, []
        self.count += len(found)
        return self._live.items("lines", found) if self._live is not None and found else None
