"""When a condition begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from osapi.fleet import conditions
from osapi.fleet.conditions import ENDS_AT, Condition, ConditionType, Reading, settle
from osapi.telemetry.process import ProcessFigures

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIMIT = 100.0


def reading(value: float) -> Reading:
    return Reading(ConditionType.HIGH_LOAD, value, LIMIT, f"{value:g} of {LIMIT:g}")


def after(*values: float) -> list[Condition]:
    """The condition after each value, a second apart."""
    found: list[Condition] = []
    for second, value in enumerate(values):
        found += settle(found[-1:], [reading(value)], NOW + timedelta(seconds=second))
    return found


def test_a_condition_holds_from_above_the_threshold_with_its_figures() -> None:
    below, above = after(LIMIT, LIMIT + 1)
    assert (below.status, below.reason) == (False, "")
    assert (above.status, above.reason, above.since) == (True, "101 of 100", NOW + timedelta(seconds=1))


def test_it_ends_only_well_below_the_threshold() -> None:
    found = after(101, 99, 96, 101, 95, 99, 101)
    assert [each.status for each in found] == [True, True, True, True, False, False, True]
    assert [each.since.second for each in found] == [0, 0, 0, 0, 4, 4, 6]


@given(st.lists(st.floats(min_value=LIMIT * ENDS_AT + 0.01, max_value=LIMIT), min_size=1, max_size=20))
def test_a_value_that_hovers_at_the_threshold_changes_nothing(values: list[float]) -> None:
    assert {each.status for each in after(LIMIT + 1, *values)} == {True}
    assert {each.status for each in after(0, *values)} == {False}


@given(st.lists(st.floats(min_value=0, max_value=2 * LIMIT), min_size=2, max_size=20))
def test_the_time_of_the_last_change_changes_with_the_status_alone(values: list[float]) -> None:
    found = after(*values)
    for before, now in pairwise(found):
        assert (before.since == now.since) is (before.status == now.status)


def test_what_has_no_reading_has_no_condition() -> None:
    assert settle(after(101), [], NOW) == ()


def test_thresholds_of_nothing_ask_for_nothing() -> None:
    figures = ProcessFigures(cpu_percent=99.0, rss_bytes=2**40, threads=1)
    assert conditions.of_process(figures, 0, 0.0) == []
    assert [each.type.value for each in conditions.of_process(figures, 1, 1.0)] == [
        "ProcessMemoryPressure",
        "ProcessHighCPU",
    ]
