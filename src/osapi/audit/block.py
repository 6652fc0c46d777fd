"""Lines about entries as the index keeps them: a thousand together, packed once none of them will change.

A line is what lists and filters need, and where the entry is to be read. Packed, one takes some 30 to 60 bytes.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

ROWS = 1024
_RECORDS = 1 << 16
COUNTED = ("user", "method", "operation_id", "operation", "status", "kind")
"""What is counted by value in a packed block, so that a filter for one of them need not unpack it."""


class Row(msgspec.Struct, array_like=True, gc=False):
    """One entry. `status` is 0 until its outcome is known, `more` are the places of additions to it."""

    id: bytes
    place: int
    time: float
    kind: str
    user: str
    method: str
    path: str
    operation_id: str
    operation: str
    status: int
    job: bytes
    source_ip: str
    more: tuple[int, ...] = ()


def place(sequence: int, position: int) -> int:
    """Where a record stands: in which message of the stream, and as which of its records."""
    return sequence * _RECORDS + position


def parts(place: int) -> tuple[int, int]:
    """Sequence and position of a place."""
    return divmod(place, _RECORDS)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Row]).decode


class Block:
    """Up to `ROWS` rows in the order of their places. `open` counts those whose outcome is still to come."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._packed: bytes | None = None
        self._counts: dict[str, Counter[Any]] = {}
        self.size = 0
        self.open = 0
        self.first_place = 0
        self.first_time = self.last_time = 0.0
        self.first_id = self.last_id = b""

    def __len__(self) -> int:
        return self.size

    @property
    def is_packed(self) -> bool:
        return self._packed is not None

    @property
    def bytes_packed(self) -> int:
        """The memory of the rows once they are packed; 0 before."""
        return len(self._packed or b"")

    @property
    def is_full(self) -> bool:
        return self.size >= ROWS

    def add(self, row: Row) -> None:
        """Take a row with a greater place than all before, unless the block is packed."""
        if not self._rows:
            self.first_place = row.place
            self.first_time = self.last_time = row.time
            self.first_id = self.last_id = row.id
        self._rows.append(row)
        self.size += 1
        self.first_time, self.last_time = min(self.first_time, row.time), max(self.last_time, row.time)
        self.first_id, self.last_id = min(self.first_id, row.id), max(self.last_id, row.id)

    def rows(self) -> list[Row]:
        """All rows, oldest first."""
        return self._rows if self._packed is None else _decode(zlib.decompress(self._packed))

    def change(self, entry_id: bytes, change: Callable[[Row], None]) -> None:
        """Apply `change` to the row of this id, if there is one."""
        rows = self.rows()
        for row in rows:
            if row.id == entry_id:
                change(row)
                break
        if self._packed is not None:
            self._pack(rows)

    def pack(self) -> None:
        """Take less memory from now on."""
        self._pack(self.rows())

    def _pack(self, rows: list[Row]) -> None:
        self._counts = {name: Counter(getattr(row, name) for row in rows) for name in COUNTED}
        self._packed = zlib.compress(_encode(rows), 1)
        self._rows = []

    def counted(self, name: str, value: object) -> int | None:
        """How many rows have this value, without unpacking; None when that is not known."""
        return None if self._packed is None else self._counts[name][value]

    def newest_first(self) -> Iterator[Row]:
        return reversed(self.rows())
