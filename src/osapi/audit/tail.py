"""What a controller knows of the end of the chain, and how it takes in what others have written there."""

from __future__ import annotations

from collections.abc import Callable

from osapi.audit import record
from osapi.audit.record import BEGINNING, Place
from osapi.contract.errors import Forbidden
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


class Tail:
    """The end of the chain: `sequence` is the stream's last message, `place` the last genuine one.

    They differ when somebody else has written into the stream. `report` is told what is found to be gone or altered.
    """

    def __init__(self, verifier: Verifier, report: Callable[[str], None]) -> None:
        self._verifier = verifier
        self.broken = report
        self.sequence = 0
        self.place: Place = BEGINNING

    def take(self, sequence: int, message: bytes) -> bool:
        """Take in the message behind the last one. Returns whether it belongs to the chain."""
        if sequence <= self.sequence:
            return False
        self.sequence = sequence
        try:
            link = record.unseal(self._verifier, message)
        except Forbidden as problem:
            _log.error("security.audit_foreign", sequence=sequence, error=problem.message)
            return False
        self._check(link.previous)
        self.place = Place(sequence, record.digest(message), link.at, link.keeps_s)
        return True

    def extend(self, place: Place) -> None:
        """Take in a message of our own."""
        if place.sequence > self.sequence:
            self.sequence, self.place = place.sequence, place

    def rewind(self, last: int) -> None:
        """The stream ends at `last`, before what we know: its end is gone."""
        if last < self.sequence:
            self.broken(f"messages {last + 1} to {self.sequence} of the audit are gone from the end of the stream")
            self.sequence = last

    def expect(self, place: Place, found: bytes | None) -> None:
        """Hold what was known before against what the stream has there now; `found` None for nothing."""
        if found is None or record.digest(found) != place.digest:
            what = "gone" if found is None else "another one"
            self.broken(f"message {place.sequence} of the audit, which was there before, is {what}")

    def _check(self, previous: Place) -> None:
        """What another controller, or we before, wrote last must be what the message follows."""
        known = self.place.sequence
        if known and (previous.sequence, previous.digest) != (known, self.place.digest) and previous.sequence >= known:
            self.broken(f"messages after {known} of the audit are not those that message {previous.sequence} followed")
