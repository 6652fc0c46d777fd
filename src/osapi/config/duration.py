"""Durations as people write them in settings: `30s`, `1h30m`, `250ms`, `0`.

The grammar is that of Go's `time.ParseDuration`, which existing settings files use, without its sign:
no setting means a negative time.
"""

from __future__ import annotations

import re
from datetime import timedelta

ALLOWED = "a duration such as 30s, 5m, 1h30m or 0 (units ns, us, ms, s, m, h; a day is 24h)"

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek mu; Go reads both
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST_NS = 2**63 - 1


def parse(text: str) -> timedelta:
    """Read a duration; the result is exact to the microsecond. Raises `ValueError` when the text is none."""
    text = text.strip()
    if text in ("", "0"):
        return timedelta(0)
    total_ns, position = 0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or not (part["whole"] or part["fraction"]):
            raise ValueError(f"{text!r} is no duration; use {ALLOWED}")
        total_ns += _nanoseconds(part["whole"], part["fraction"] or "", _UNITS_NS[part["unit"]])
        position = part.end()
    if total_ns > _LONGEST_NS:
        raise ValueError(f"{text!r} is too long; at most {_LONGEST_NS // _UNITS_NS['h']}h")
    return timedelta(microseconds=total_ns // 1_000)


def text(value: timedelta) -> str:
    """Write a duration the way `parse` reads it: `1h30m`, `2.5s`, `0s`."""
    microseconds = round(value / timedelta(microseconds=1))
    hours, microseconds = divmod(microseconds, 3_600_000_000)
    minutes, microseconds = divmod(microseconds, 60_000_000)
    seconds = f"{microseconds / 1_000_000:.6f}".rstrip("0").rstrip(".")
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{seconds}s" if seconds != "0" else ""]
    return "".join(parts) or "0s"


def _nanoseconds(whole: str, fraction: str, unit_ns: int) -> int:
    return int(whole or "0") * unit_ns + (int(fraction) * unit_ns // 10 ** len(fraction) if fraction else 0)
