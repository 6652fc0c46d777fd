"""From when on to show what a container has written: a span back from now, or a point in time. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_SPAN = r"[0-9]{1,5}[smhd]"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
PATTERN = rf"^(?:{_SPAN}|{_MOMENT})?$(?!\n)"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def check(text: str) -> None:
    """Raise `ValueError` for a moment that does not exist; the text fits the pattern."""
    if text and not re.fullmatch(_SPAN, text):
        try:
            datetime.fromisoformat(text)
        except ValueError as fault:
            raise ValueError(f"since: {text!r} is no point in time: {fault}") from None


def seconds(text: str, now: datetime) -> str:
    """Seconds since 1970 as the engine wants them; the text was checked."""
    if re.fullmatch(_SPAN, text):
        moment = now - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    else:
        moment = datetime.fromisoformat(text)
    return f"{max(moment.timestamp(), 0):.6f}"
