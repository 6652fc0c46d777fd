"""How figures are gathered and summed up."""

from __future__ import annotations

import asyncio

import pytest
from bench.stats import Sample, in_turns, percentile, timed


def test_percentiles_lie_between_neighbours() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert percentile(values, 0) == 1.0
    assert percentile(values, 50) == 2.5
    assert percentile(values, 100) == 4.0
    assert percentile(values, 90) == pytest.approx(3.7)


def test_a_single_value_is_every_percentile() -> None:
    assert percentile([7.0], 10) == percentile([7.0], 99) == 7.0


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_an_outlier_does_not_move_the_median() -> None:
    assert Sample((1.0, 1.0, 2.0, 2.0, 900.0)).median == 2.0
    assert Sample((1.0, 1.0, 2.0, 2.0, 900.0)).spread.startswith("2 (1 to ")


def test_things_are_measured_in_turns_and_warm_up_does_not_count() -> None:
    calls: list[str] = []

    def probe(name: str):
        async def once() -> float:
            calls.append(name)
            return float(len(calls))

        return once

    samples = asyncio.run(in_turns({"a": probe("a"), "b": probe("b")}, rounds=2, warm_up=1))
    assert calls == ["a", "b"] * 3
    assert samples["a"].values == (3.0, 5.0)
    assert samples["b"].values == (4.0, 6.0)


def test_measuring_ends_when_its_time_is_over_but_not_without_a_figure() -> None:
    async def once() -> float:
        return 1.0

    samples = asyncio.run(in_turns({"a": once}, rounds=1000, warm_up=2, limit_s=0.0))
    assert samples["a"].values == (1.0,)


def test_time_is_told_in_milliseconds() -> None:
    async def run() -> float:
        return await timed(lambda: asyncio.sleep(0.01))()

    assert 10.0 <= asyncio.run(run()) < 1000.0
