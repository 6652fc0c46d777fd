"""Ids of audit entries: UUIDs of version 7 (RFC 9562), so that an id tells when its entry was made.

48 bits of milliseconds and a counter of 12 bits, which together only grow, then 62 bits that tell one controller's
run from another.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

_COUNTER = 1 << 12


class EntryIds:
    """Makes ids. `clock` tells seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0
        self._run = secrets.randbits(62)

    def next(self) -> str:
        """An id that is greater than every one before."""
        now = int(self._clock() * 1000) * _COUNTER
        self._last = max(self._last + 1, now)
        moment, counter = divmod(self._last, _COUNTER)
        text = f"{moment << 80 | 7 << 76 | counter << 64 | 2 << 62 | self._run:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def compact(entry_id: str) -> bytes:
    """The 16 bytes of an id of ours, which sort by time, or of another UUID; none for none."""
    return bytes.fromhex(entry_id.replace("-", ""))
