"""Zones of the tz database: where they are, what they say. Pure. See tzfile(5)."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from zoneinfo import ZoneInfo

from osapi.contract.errors import Invalid

DATABASE = "/usr/share/zoneinfo"
UTC = ("UTC", "Etc/UTC")
"""Known to everybody, also where no database is installed."""

_MAGIC = b"TZif"
_NO_ZONES = ("localtime", "posixrules")
"""Files of the database that stand for other zones; the first leads back to /etc/localtime."""


def path_of(zone: str) -> str:
    """The file of a zone. Raises `Invalid` for the names that stand for other zones."""
    if zone.rpartition("/")[2] in _NO_ZONES:
        raise Invalid(f"{zone!r} is no time zone but stands for another one; name that, for example Europe/Berlin")
    return f"{DATABASE}/{zone}"


def is_zone(content: bytes | None) -> bool:
    """Whether this is the content of a zone; the database holds tables too."""
    return content is not None and content.startswith(_MAGIC)


def name_in(target: str) -> str:
    """The zone that a link leads to, however it is written; empty when it leads elsewhere."""
    _, found, name = target.rpartition("/zoneinfo/")
    return name if found else ""


class _Whole(io.BytesIO):
    """Bytes that end with a failure: `ZoneInfo` would read the missing end of a cut file for ever."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if size and not found:
            raise EOFError
        return found


def utc_offset(content: bytes, now: datetime) -> str:
    """Difference from UTC at that moment, as `+05:30`; empty when the file is broken. Seconds are left out."""
    try:
        zone = ZoneInfo.from_file(_Whole(content))
    except (AssertionError, EOFError, IndexError, ValueError, struct.error):  # what a broken file makes of it
        return ""
    written = now.astimezone(zone).strftime("%z")
    return f"{written[:3]}:{written[3:5]}"
