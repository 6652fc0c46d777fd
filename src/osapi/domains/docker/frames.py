"""Takes apart what containers write: one stream of the engine, in which each piece says where it belongs.

A frame is a byte for the stream, three zero bytes, four for the length (the highest first), and the piece; see
"Stream format" at https://docs.docker.com/engine/api/v1.41/#tag/Container/operation/ContainerAttach. A container
with a terminal has no frames: all of it is standard output.
"""

from __future__ import annotations

from collections.abc import Callable

from osapi.host.program import Stream

_HEAD = 8
_STREAMS: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}

Told = Callable[[Stream, bytes], None]


class Frames:
    """Tells pieces and their streams as they come; a piece may come in parts."""

    def __init__(self, told: Told, *, terminal: bool = False) -> None:
        self._told = told
        self._terminal = terminal
        self._head = bytearray()
        self._left = 0
        self._stream: Stream = "stdout"

    def add(self, content: bytes) -> None:
        """Take in the next bytes."""
        rest = memoryview(content)
        if self._terminal:
            self._told("stdout", bytes(rest))
            return
        while rest:
            rest = self._begin(rest) if self._left == 0 else self._go_on(rest)

    def _begin(self, rest: memoryview) -> memoryview:
        missing = _HEAD - len(self._head)
        self._head += rest[:missing]
        if len(self._head) == _HEAD:
            self._stream = _STREAMS.get(self._head[0], "stderr")
            self._left = int.from_bytes(self._head[4:], "big")
            self._head.clear()
        return rest[missing:]

    def _go_on(self, rest: memoryview) -> memoryview:
        piece = rest[: self._left]
        self._left -= len(piece)
        self._told(self._stream, bytes(piece))
        return rest[len(piece) :]
