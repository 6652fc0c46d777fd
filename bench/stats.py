"""Medians, percentiles, and measuring several things in turns so that the machine's moods hit all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

Probe = Callable[[], Awaitable[float]]
"""Does the thing once and returns its figure."""


@dataclass(frozen=True)
class Sample:
    """Many figures of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def percentile(self, percent: float) -> float:
        return percentile(self.values, percent)

    @property
    def spread(self) -> str:
        """The figure in words: median, 10th and 90th percentile."""
        low, high = self.percentile(10), self.percentile(90)
        return f"{short(self.median)} ({short(low)} to {short(high)})"


def short(value: float) -> str:
    """Three digits that mean something, without exponents."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else "0"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of 100 lie, between neighbours in proportion. Raises `ValueError` for none."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


async def in_turns(
    probes: Mapping[str, Probe], *, rounds: int, warm_up: int = 0, limit_s: float = 60.0
) -> dict[str, Sample]:
    """Call every probe once per round: A B C A B C …, and collect its figures.

    The first `warm_up` rounds do not count. Stops early, but never before one counted round, after `limit_s`.
    """
    figures: dict[str, list[float]] = {name: [] for name in probes}
    end = time.monotonic() + limit_s
    for turn in range(warm_up + rounds):
        for name, probe in probes.items():
            figure = await probe()
            if turn >= warm_up:
                figures[name].append(figure)
        if turn >= warm_up and time.monotonic() > end:
            break
    return {name: Sample(tuple(values)) for name, values in figures.items()}


def timed(action: Callable[[], Awaitable[object]], *, unit_s: float = 1e-3) -> Probe:
    """A probe that tells how long `action` took, in milliseconds unless `unit_s` says otherwise."""

    async def probe() -> float:
        begin = time.perf_counter()
        await action()
        return (time.perf_counter() - begin) / unit_s

    return probe


def median_of_ratios(one: Sample, other: Sample) -> float:
    """The ratio of two medians; of things measured in turns."""
    return one.median / other.median
