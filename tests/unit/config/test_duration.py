from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.config import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("", 0),
        ("0s", 0),
        ("30s", 30),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("2m", 120),
        ("250ms", 0.25),
        ("3us", 0.000003),
        ("3µs", 0.000003),
        ("3μs", 0.000003),
        ("1500000ns", 0.0015),
        (" 10s ", 10),
        ("1h1h", 7200),
        ("168h", 604800),
    ],
)
def test_reads_what_go_reads(text: str, seconds: float) -> None:
    assert duration.parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["30", "1d", "s", ".s", "-5s", "+5s", "1h30", "1 h", "ten", "1e3s", "0x1s", "٣s", "1,5s"]
)
def test_refuses_what_is_no_duration_and_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration; use a duration such as 30s"):
        duration.parse(text)


def test_refuses_what_go_cannot_hold() -> None:
    assert duration.parse("2562047h") == timedelta(hours=2562047)
    with pytest.raises(ValueError, match="too long"):
        duration.parse("2562048h")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000)))
def test_written_durations_read_back_the_same(value: timedelta) -> None:
    assert duration.parse(duration.text(value)) == value


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "1m30s"), (5400, "1h30m"), (0.25, "0.25s"), (604800, "168h")]
)
def test_writes_the_usual_form(seconds: float, text: str) -> None:
    assert duration.text(timedelta(seconds=seconds)) == text
