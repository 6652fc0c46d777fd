"""What was found to be gone or altered of the audit, by whichever controller.

Who finds something says so in the chain itself, signed like everything there, and every controller reads it, also one
that is started later. What is still so is found again at the next verification; so it is told for as long as it is so, and for a day.
"""

from __future__ import annotations

from osapi.audit import record
from osapi.audit.kind import Kind
from osapi.audit.record import Entry
from osapi.contract.errors import Forbidden
from osapi.pki.signing import Verifier

CODE = "audit_broken"
"""Tells these remarks from others: the code of their outcome."""
TOLD_S = 24 * 3600.0
_AGAIN_S = TOLD_S / 2


class Losses:
    """The findings of the last day. Times are seconds since the epoch."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._found: dict[str, float] = {}

    def note(self, text: str, now: float) -> bool:
        """Take in a finding of our own; whether it is to be said in the chain, now or anew."""
        is_news = now - self._found.get(text, 0.0) > _AGAIN_S
        if is_news:
            self._found[text] = now
        return is_news

    def hear(self, message: bytes) -> None:
        """Take in what a message of the chain tells, if a controller has signed it."""
        if CODE.encode() not in message:
            return
        try:
            records = record.unseal(self._verifier, message).records
        except Forbidden:
            return
        for one in records:
            if isinstance(one, Entry) and one.kind is Kind.REMARK and one.outcome and one.outcome.code == CODE:
                self._found[one.remark] = max(self._found.get(one.remark, 0.0), one.timestamp.timestamp())

    def told(self, now: float) -> str | None:
        """The newest finding; None when there was none for a day."""
        self._found = {text: found for text, found in self._found.items() if now - found < TOLD_S}
        return max(self._found, key=lambda text: self._found[text], default=None)
