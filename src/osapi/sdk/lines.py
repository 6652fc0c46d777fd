"""Lines from bytes that arrive in any pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class LineReader:
    """Puts lines together."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, block: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are now whole, without their ends."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        return lines


def of_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of all blocks; what follows the last line break is none."""
    reader = LineReader()
    for block in blocks:
        yield from reader.feed(block)
