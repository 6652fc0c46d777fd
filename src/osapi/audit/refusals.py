"""Keeps floods of refusals from filling the audit: the first of each address are entered singly, the rest counted.

Refused without a good token, or for coming too often, is what anybody can be at no cost. In every window of a minute
an address (or a user that comes too often) has a few entries of its own, and one more at the end that tells how
many others there were. Of addresses beyond a number that one window bears only the sum is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from osapi.audit.ids import EntryIds
from osapi.audit.kind import Kind
from osapi.audit.record import Entry
from osapi.contract.address import network

WINDOW_S = 60.0
SINGLY = 5
"""Refusals of one address in one window that are entered as they are."""
SINGLY_IN_ALL = 300
MOST_ADDRESSES = 200
_OTHERS = "others"


@dataclass
class _Crowd:
    """What came from one address in this window and was answered with one status."""

    first: Entry
    last: Entry
    entered: int = 0
    counted: int = 0


class Refusals:
    """Takes refusals and passes on what is to be entered. `clock` tells seconds since the epoch."""

    def __init__(self, enter: Callable[[Entry], None], ids: EntryIds, clock: Callable[[], float]) -> None:
        self._enter = enter
        self._ids = ids
        self._clock = clock
        self._crowds: dict[tuple[str, int], _Crowd] = {}
        self._ends = clock() + WINDOW_S
        self._entered = 0

    def note(self, entry: Entry) -> None:
        """Take a refusal, whose outcome tells the status."""
        self.tick()
        crowd = self._crowd(entry)
        if crowd.entered < SINGLY and self._entered < SINGLY_IN_ALL:
            crowd.entered += 1
            self._entered += 1
            self._enter(entry)
            return
        if not crowd.counted:
            crowd.first = entry
        crowd.counted += 1
        crowd.last = entry

    def tick(self) -> None:
        """Let time pass; at the end of a window enter what was counted."""
        if self._clock() >= self._ends:
            self.flush()

    def flush(self) -> None:
        """Enter what was counted so far, and begin another window."""
        crowds, self._crowds, self._entered = self._crowds, {}, 0
        self._ends = self._clock() + WINDOW_S
        for (who, _), crowd in crowds.items():
            if crowd.counted:
                self._enter(self._sum(crowd, of_one=who != _OTHERS))

    def _crowd(self, entry: Entry) -> _Crowd:
        status = 0 if entry.outcome is None else entry.outcome.response_code
        key = (f"user {entry.user}" if entry.user else network(entry.source_ip), status)
        if key not in self._crowds and len(self._crowds) >= MOST_ADDRESSES:
            key = (_OTHERS, status)
        return self._crowds.setdefault(key, _Crowd(entry, entry))

    def _sum(self, crowd: _Crowd, *, of_one: bool) -> Entry:
        """One entry for all that were counted; its path is that of the last."""
        last = crowd.last
        return Entry(
            id=self._ids.next(),
            timestamp=crowd.first.timestamp,
            until=last.timestamp,
            kind=Kind.REFUSAL,
            user=last.user if of_one else "",
            method=last.method,
            path=last.path,
            source_ip=last.source_ip if of_one else "",
            outcome=last.outcome,
            count=crowd.counted,
            remark="" if of_one else f"from addresses beyond the first {MOST_ADDRESSES}",
        )
