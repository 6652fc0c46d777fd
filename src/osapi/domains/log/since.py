"""From when on: the ways to write it, and what journalctl(1) is given for each. Pure.

systemd.time(7) as of Debian 12 knows neither `1h` as a time in the past nor the `T` and zone of RFC 3339, so
both are translated here.
"""

from __future__ import annotations

import re
from datetime import datetime

_UNIT = r"(?:seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w)"
_SPAN = rf"-?(?:[0-9]{{1,6}} ?{_UNIT} ?){{1,5}}(?:ago)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
PATTERN = rf"^(?:{_SPAN}|now|today|yesterday|@[0-9]{{1,11}}(?:\.[0-9]{{1,6}})?|{_DAY}(?:[ T]{_CLOCK}{_ZONE}?)?)?$(?!\n)"
_ABSOLUTE = re.compile(_DAY)
_SPOKEN = re.compile(_SPAN)


def check(since: str) -> None:
    """Raise `ValueError` for a day or time of day that does not exist; `since` fits the pattern."""
    if _ABSOLUTE.match(since):
        try:
            datetime.fromisoformat(since)
        except ValueError as fault:
            raise ValueError(f"since: {since!r} is no point in time: {fault}") from None


def argument(since: str) -> str:
    """The option for journalctl, of a text that was checked; a time without zone is in that of the host."""
    if _ABSOLUTE.match(since):
        moment = datetime.fromisoformat(since)
        exact = moment.strftime("%Y-%m-%d %H:%M:%S.%f") if moment.tzinfo is None else f"@{moment.timestamp():.6f}"
        return f"--since={exact}"
    if _SPOKEN.fullmatch(since):
        span = since.removeprefix("-").removesuffix("ago").replace(" ", "")
        return f"--since=-{span}"
    return f"--since={since}"
