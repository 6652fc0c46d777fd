"""The lines that a container writes: the latest ones of them in bounded size, or all as they come."""

from __future__ import annotations

from collections import deque
from datetime import datetime

import msgspec

from osapi.domains.docker.frames import Told
from osapi.domains.docker.models import ContainerLog, LogLine
from osapi.host.output import Capture, as_text
from osapi.host.program import Stream

LINE_LIMIT = 16 * 1024
"""Bytes of one line as JSON."""
LOG_LIMIT = 768 * 1024
"""Bytes of all lines as JSON: an answer stays below the broker's 1 MiB per message."""
KEPT = 4 * LOG_LIMIT
"""Bytes held while the engine speaks."""
_PIECE_LIMIT = 4 * LINE_LIMIT


class Split:
    """Makes lines of the pieces of two streams; one that is too long counts as several. `told` hears of each."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._open: dict[Stream, bytes] = {}

    def add(self, stream: Stream, piece: bytes) -> None:
        """Take in the next bytes of a stream."""
        *whole, rest = (self._open.pop(stream, b"") + piece).split(b"\n")
        for line in whole:
            self._told(stream, line)
        if len(rest) > _PIECE_LIMIT:
            self._told(stream, rest)
        elif rest:
            self._open[stream] = rest

    def end(self) -> None:
        """What has no end yet counts as a line."""
        for stream, rest in self._open.items():
            self._told(stream, rest)
        self._open.clear()


class Lines:
    """Takes in pieces of two streams and keeps the latest lines."""

    def __init__(self) -> None:
        self._lines: deque[tuple[Stream, bytes]] = deque()
        self._split = Split(self._keep)
        self.add = self._split.add
        """Takes in the next bytes of a stream."""
        self._size = 0
        self._incomplete = False

    def told(self) -> ContainerLog:
        """All of it, the oldest first."""
        self._split.end()
        found: list[LogLine] = []
        size = 0
        for stream, text in reversed(self._lines):
            line = line_of(stream, text)
            size += len(msgspec.json.encode(line)) + 1
            if size > LOG_LIMIT:
                self._incomplete = True
                break
            found.append(line)
        return ContainerLog(lines=found[::-1], truncated=self._incomplete)

    def _keep(self, stream: Stream, line: bytes) -> None:
        self._lines.append((stream, line))
        self._size += len(line)
        while self._size > KEPT:
            self._size -= len(self._lines.popleft()[1])
            self._incomplete = True


def line_of(stream: Stream, content: bytes) -> LogLine:
    """Each line begins with the time at which the engine received it, as RFC 3339."""
    first, _, rest = content.partition(b" ")
    timestamp = _moment(first)
    kept = Capture(LINE_LIMIT)
    kept.add(content if timestamp is None else rest.removesuffix(b"\r"))
    return LogLine(timestamp=timestamp, stream=stream, message=as_text(kept.content(), LINE_LIMIT)[0])


def _moment(text: bytes) -> datetime | None:
    try:
        return msgspec.convert(text.decode(), datetime)
    except (UnicodeDecodeError, msgspec.ValidationError):
        return None
