"""What files and links of the tz database say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from osapi.contract.errors import Invalid
from osapi.domains.timezone import zones

WINTER, SUMMER, FAR = (datetime(year, month, 1, tzinfo=UTC) for year, month in ((2026, 1), (2026, 7), (2099, 7)))


def tzif(footer: str, offset_s: int) -> bytes:
    """A file of version 2 with one rule, see tzfile(5)."""
    counts = b"".join(number.to_bytes(4, "big") for number in (0, 0, 0, 0, 1, 4))
    block = b"TZif2" + bytes(15) + counts + offset_s.to_bytes(4, "big", signed=True) + b"\0\0" + b"ABC\0"
    return block + block + b"\n" + footer.encode() + b"\n"


@pytest.mark.parametrize(
    ("footer", "offset_s", "winter", "summer"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", 3600, "+01:00", "+02:00"),
        ("NST3:30NDT,M3.2.0,M11.1.0", -12600, "-03:30", "-02:30"),
        ("<+1245>-12:45", 45900, "+12:45", "+12:45"),
        ("UTC0", 0, "+00:00", "+00:00"),
    ],
)
def test_the_offset_is_that_of_the_moment(footer: str, offset_s: int, winter: str, summer: str) -> None:
    content = tzif(footer, offset_s)
    assert [zones.utc_offset(content, moment) for moment in (WINTER, SUMMER, FAR)] == [winter, summer, summer]


@pytest.mark.parametrize("content", [b"", b"TZif", b"TZif2" + bytes(10), b"# table\n", b"\xff" * 100])
def test_a_broken_file_has_no_offset(content: bytes) -> None:
    assert zones.utc_offset(content, WINTER) == ""


@pytest.mark.parametrize("size", range(0, 120, 7))
def test_a_file_that_is_cut_off_does_no_harm(size: int) -> None:
    assert zones.utc_offset(tzif("CET-1", 3600)[:size], WINTER) in ("", "+01:00", "+00:00")


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("../usr/share/zoneinfo/UTC", "UTC"),
        ("/usr/share/zoneinfo/", ""),
        ("/opt/zone", ""),
        ("", ""),
    ],
)
def test_a_link_names_its_zone(target: str, zone: str) -> None:
    assert zones.name_in(target) == zone


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "right/localtime", "posix/posixrules"])
def test_a_name_that_stands_for_another_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="stands for another one"):
        zones.path_of(zone)
