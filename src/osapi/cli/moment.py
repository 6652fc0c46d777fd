"""Times on the command line: a time, or how long ago it was."""

from __future__ import annotations

from osapi.cli.option import BadUsage, Option

SINCE = Option(("--since",), "since", help="Only from this time on: 2026-01-31T12:00:00Z, or 90m, 2h, 7d for ago.")
UNTIL = Option(("--until",), "until", help="Only before this time.")


def moment(option: str, text: str | None) -> str | None:
    """A time for the API, from a time or from how long ago it was."""
    if text is None:
        return None
    return _moment(option, text, sign=-1, hint="2h for two hours ago")


def later(option: str, text: str) -> str:
    """A time for the API, from a time or from how long it is until then."""
    return _moment(option, text, sign=1, hint="2h for two hours from now")


def _moment(option: str, text: str, *, sign: int, hint: str) -> str:
    from datetime import UTC, datetime, timedelta

    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdecimal() and text[-1] in units:
        return (datetime.now(UTC) + sign * timedelta(**{units[text[-1]]: int(text[:-1])})).isoformat()
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError:
        raise BadUsage(f"{option}: {text!r} is no time; write 2026-01-31T12:00:00Z, or {hint}") from None
