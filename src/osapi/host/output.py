"""Keeps the beginning and the end of a stream of any length in bounded memory."""

from __future__ import annotations

import msgspec

MARKER = "\n[osapi: {} bytes left out]\n"
SHORTER = "\n[osapi: the middle is left out]\n"


class Capture:
    """Takes in bytes and keeps at most `limit` of them: the first half and the last half."""

    def __init__(self, limit: int) -> None:
        self._first = limit - limit // 2
        self._last = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._seen = 0

    def add(self, piece: bytes) -> None:
        """Take in the next bytes."""
        self._seen += len(piece)
        room = self._first - len(self._head)
        if room > 0:
            self._head += piece[:room]
            piece = piece[room:]
        self._tail += piece[-self._last :] if self._last else b""
        if len(self._tail) > 2 * self._last:
            del self._tail[: len(self._tail) - self._last]

    @property
    def left_out(self) -> int:
        """Bytes that are not kept."""
        return max(0, self._seen - self._first - self._last)

    def content(self) -> bytes:
        """What is kept, with a marker where something is left out."""
        tail = self._tail[max(0, len(self._tail) - self._last) :]
        marker = MARKER.format(self.left_out).encode() if self.left_out else b""
        return bytes(self._head) + marker + bytes(tail)


def as_text(content: bytes, limit: int) -> tuple[str, bool]:
    """Output as text that takes at most about `limit` bytes as JSON, and whether its middle had to go.

    Bytes that are not UTF-8 become U+FFFD. Needed beside `Capture` because JSON spells a control character
    in six bytes, and the broker refuses a message above its limit.
    """
    text, each = content.decode("utf-8", "replace"), len(content) // 2
    size = len(msgspec.json.encode(text))
    shortened = size > limit
    while size > limit and each:
        each = each * 9 * limit // (10 * size)
        text = _without_middle(content, each)
        size = len(msgspec.json.encode(text))
    return text, shortened


def _without_middle(content: bytes, each: int) -> str:
    """How much is missing is not said: what is cut away may hold the marker of an earlier cut."""
    head, tail = content[:each], content[len(content) - each :]
    return head.decode("utf-8", "replace") + SHORTER + tail.decode("utf-8", "replace")
