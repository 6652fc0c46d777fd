"""Values as the REST contract spells them for people."""

from __future__ import annotations

from datetime import timedelta


def duration(span: timedelta) -> str:
    """A span as `4 days, 1 hour, 25 minutes`; seconds are left out."""
    minutes = int(span.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    return ", ".join(_counted(count, unit) for count, unit in ((days, "day"), (hours, "hour"), (minutes, "minute")))


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
