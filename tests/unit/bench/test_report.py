"""Verdicts, and how they are shown."""

from __future__ import annotations

from bench.report import Line, summary, table, yes_or_no


def line(**changes: object) -> Line:
    facts = {"number": "P1", "figure": "one job", "measured": 3.0, "unit": "ms", "goal": 2.0}
    return Line(**(facts | changes))  # type: ignore[arg-type]


def test_a_fixed_goal_judges_the_figure_itself() -> None:
    assert line(measured=1.9).verdict == "met"
    assert line(measured=3.0).verdict == "not met, by a factor of 1.50"
    assert line(measured=3.0).ratio == 1.5


def test_a_relative_goal_judges_the_ratio() -> None:
    relative = line(against="BASE", held=1.0)
    assert relative.ratio == 3.0
    assert relative.verdict == "not met, by a factor of 1.50"
    assert line(measured=1.99, against="BASE", held=1.0).is_met


def test_at_least_turns_the_comparison() -> None:
    assert line(measured=8.0, at_least=True, against="ORIGINAL", held=2.0, goal=4.0).is_met
    missed = line(measured=500.0, unit="/s", at_least=True, goal=1000.0)
    assert missed.verdict == "not met, by a factor of 2.00"


def test_exactly_the_goal_is_met() -> None:
    assert line(measured=2.0).is_met
    assert line(measured=2.0, at_least=True).is_met


def test_what_must_not_happen_is_met_by_never() -> None:
    assert yes_or_no("P8", "forbidden imports", 0).is_met
    assert not yes_or_no("P8", "forbidden imports", 1).is_met


def test_the_table_names_what_each_figure_is_held_against() -> None:
    drawn = table([line(against="BASE", held=1.0, note="a note"), line(number="P3", measured=1.0)])
    first, second = drawn.splitlines()[1:3]
    assert "BASE 1 ms" in first
    assert "<= 2 x" in first
    assert "fixed" in second
    assert "<= 2 ms" in second
    assert "P1 one job: a note" in drawn
    assert "1 of 2 figures meet their goal" in drawn


def test_programs_get_the_same_verdicts() -> None:
    told = summary([line(against="BASE", held=1.0)], {"cores": 2})
    assert told["environment"] == {"cores": 2}
    assert told["lines"][0]["ratio"] == 3.0
    assert told["lines"][0]["met"] is False
