"""What the engine says while it fetches an image: one JSON object per line. Pure but for what it is told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

_LINE_MAX = 1 << 16


class _Detail(msgspec.Struct, frozen=True):
    message: str = ""


class _Line(msgspec.Struct, frozen=True):
    """Progress of a layer or of the whole; `error` ends it."""

    status: str = ""
    id: str = ""
    error: str = ""
    detail: _Detail | None = msgspec.field(name="errorDetail", default=None)


_decode = msgspec.json.Decoder(_Line).decode


class Progress:
    """Takes in what comes, tells each new step once, and keeps the failure that may end it."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self.failure = ""
        self._told = told
        self._rest = b""
        self._steps: dict[str, str] = {}

    def add(self, piece: bytes) -> None:
        """Take in the next bytes."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:_LINE_MAX]
        for line in lines:
            self._hear(line)

    def end(self) -> None:
        """Take in a last line that has no end."""
        self._hear(self._rest)
        self._rest = b""

    def _hear(self, content: bytes) -> None:
        try:
            line = _decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        self.failure = self.failure or (line.detail.message if line.detail else "") or line.error
        if line.status and self._steps.get(line.id) != line.status:
            self._steps[line.id] = line.status
            self._told(f"{line.id and f'{line.id}: '}{line.status}")
