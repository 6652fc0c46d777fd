"""Whether a message of a subject was missed, from the sequence numbers that the broker sends along.

Every republished job carries its sequence in the stream and the sequence of the one before it *on the
same subject* (`Nats-Sequence`, `Nats-Last-Sequence`). Jobs that a controller sends again carry neither.
"""

from __future__ import annotations

from collections.abc import Mapping

SEQUENCE = "Nats-Sequence"
LAST_SEQUENCE = "Nats-Last-Sequence"


class Gaps:
    """The last sequence heard of each subject."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def shows(self, subject: str, headers: Mapping[str, str]) -> bool:
        """Take in one message and tell whether another before it was missed.

        The first message of a subject sets the mark and shows nothing: what came before it was asked for
        when the agent connected. A sequence that does not grow means that the stream was made anew; that
        counts as a gap, and the mark starts over.
        """
        sequence, before = _number(headers, SEQUENCE), _number(headers, LAST_SEQUENCE)
        if sequence is None or before is None:
            return False
        heard = self._last.get(subject)
        self._last[subject] = sequence
        return heard is not None and (before > heard or sequence <= heard)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None
