"""Follows the chain from message to message and says where it breaks. Pure; the SDK and the tests use it.

What can be known: a message that was altered or written by somebody else (its signature), taken out, moved or put in
(the link of the next one), and cut off at the beginning before its time or at the end (the controller's word about
the end, or what was seen at an earlier verification). Whoever holds the controller's key can write another chain;
only what was seen earlier tells that.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from osapi.audit import record
from osapi.audit.record import BEGINNING, Link, Place
from osapi.contract.errors import Forbidden
from osapi.pki.signing import Verifier


class Fault(enum.Enum):
    """How a chain can be broken."""

    ALTERED = "altered"
    """The message is not what the next one remembers, or nobody we trust has signed it."""
    FOREIGN = "foreign"
    """The message was written by somebody else, and the chain goes on without it."""
    MISSING = "missing"
    """Messages were taken out."""
    MOVED = "moved"
    """The message stands in another place than the one for which it was signed."""
    CUT = "cut"
    """Messages at the beginning or the end are gone."""


@dataclass(frozen=True)
class Break:
    """One break. `sequence` is the message of the stream that is at fault, or the first that is missing."""

    fault: Fault
    sequence: int
    text: str


@dataclass
class Tally:
    """What was seen. `first` and `last` are genuine messages; None when there was none."""

    messages: int = 0
    records: int = 0
    first: Place | None = None
    last: Place | None = None
    breaks: list[Break] = field(default_factory=list[Break])

    @property
    def is_whole(self) -> bool:
        return not self.breaks


class Checker:
    """Takes the messages of a stream in order.

    `anchors` are places that were seen before and must still be there. `keeps` is how long the stream keeps a message
    by its settings, None for ever; `now` is the time of the verification.
    """

    def __init__(
        self, verifier: Verifier, *, anchors: Iterable[Place] = (), keeps: timedelta | None = None, now: datetime
    ) -> None:
        self.tally = Tally()
        self._verifier = verifier
        self._anchors = {anchor.sequence: anchor for anchor in anchors if anchor.sequence}
        self._keeps_s = keeps.total_seconds() if keeps else 0
        self._now = now
        self._suspects: list[int] = []

    def take(self, sequence: int, message: bytes) -> None:
        """The next message of the stream."""
        self.tally.messages += 1
        try:
            link = record.unseal(self._verifier, message)
        except Forbidden:
            self._suspects.append(sequence)
            return
        if link.sequence != sequence:
            self._report(Fault.MOVED, sequence, f"message {sequence} was signed as message {link.sequence}")
            return
        self._compare(link)
        self.tally.records += len(link.records)
        place = Place(sequence, record.digest(message), link.at, link.keeps_s)
        self.tally.first = self.tally.first or place
        self.tally.last = place
        self._check_anchor(place)

    def end(self, head: Place | None = None) -> Tally:
        """There are no more. `head` is where the controller knows the chain to end."""
        for suspect in self._suspects:
            self._report(Fault.ALTERED, suspect, f"message {suspect} is not signed by a controller")
        known = [*self._anchors.values(), *([head] if head is not None else [])]
        furthest = max(known, key=lambda place: place.sequence, default=BEGINNING)
        last = self.tally.last or BEGINNING
        if furthest.sequence > last.sequence and not self._has_expired(furthest):
            self._report(
                Fault.CUT, last.sequence + 1, f"messages {last.sequence + 1} to {furthest.sequence} at the end are gone"
            )
        elif head is not None and head.sequence == last.sequence and head.digest != last.digest:
            self._report(Fault.ALTERED, last.sequence, f"message {last.sequence} is not the one that was written")
        return self.tally

    def _compare(self, link: Link) -> None:
        """Hold the link against the last genuine message."""
        last, previous = self.tally.last, link.previous
        suspects, self._suspects = self._suspects, []
        if last is None:
            self._begin(link, suspects)
            return
        for suspect in suspects:
            self._judge(suspect, known=previous.sequence >= suspect)
        if previous.sequence == last.sequence and previous.digest == last.digest:
            return
        if previous.sequence == last.sequence:
            self._report(Fault.ALTERED, last.sequence, f"message {last.sequence} is not the one that was written")
        elif previous.sequence < last.sequence:
            text = f"message {link.sequence} follows message {previous.sequence} and not {last.sequence}"
            self._report(Fault.MOVED, link.sequence, text)
        else:
            self._missing([n for n in range(last.sequence + 1, previous.sequence + 1) if n not in suspects])

    def _begin(self, link: Link, suspects: list[int]) -> None:
        previous = link.previous
        for suspect in suspects:
            self._judge(suspect, known=previous.sequence >= suspect)
        if previous.sequence and previous.sequence not in suspects and not self._has_expired(previous, link.keeps_s):
            text = f"messages up to {previous.sequence} at the beginning are gone, before their time"
            self._report(Fault.CUT, previous.sequence, text)

    def _judge(self, suspect: int, *, known: bool) -> None:
        """A message without a good signature. `known` tells that the chain goes on from it or from a later one."""
        if known:
            self._report(Fault.ALTERED, suspect, f"message {suspect} was altered after it was written")
        else:
            self._report(Fault.FOREIGN, suspect, f"message {suspect} was not written by a controller")

    def _missing(self, sequences: list[int]) -> None:
        for first, last in _runs(sequences):
            said = f"message {first} is" if first == last else f"messages {first} to {last} are"
            self._report(Fault.MISSING, first, f"{said} missing")

    def _check_anchor(self, place: Place) -> None:
        anchor = self._anchors.get(place.sequence)
        if anchor is not None and anchor.digest != place.digest:
            text = f"message {place.sequence} is not the one that was seen before: the chain was written anew"
            self._report(Fault.ALTERED, place.sequence, text)

    def _has_expired(self, place: Place, keeps_s: float = 0) -> bool:
        """Whether a message may be gone because of its age; one without a time may be.

        The settings may have changed: it counts how long messages are kept now, were kept when it was written, and when
        the next one was (`keeps_s`); 0 is for ever.
        """
        limits = [timedelta(seconds=seconds) for seconds in (self._keeps_s, place.keeps_s, keeps_s) if seconds]
        return place.at is None or any(place.at + limit <= self._now for limit in limits)

    def _report(self, fault: Fault, sequence: int, text: str) -> None:
        self.tally.breaks.append(Break(fault, sequence, text))


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbours as first and last."""
    start = previous = None
    for number in numbers:
        if previous is None or number != previous + 1:
            if start is not None and previous is not None:
                yield start, previous
            start = number
        previous = number
    if start is not None and previous is not None:
        yield start, previous
