"""One line per figure: what was measured, what it is held against, the goal, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.stats import short


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure and its goal.

    With `against` the ratio of `measured` to `held` is judged, and `goal` is a ratio; without, `measured`
    itself is judged, and the ratio shown is that to the goal. `note` says how it came about.
    """

    number: str
    figure: str
    measured: float
    unit: str
    goal: float
    at_least: bool = False
    against: str | None = None
    held: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Measured to what it is held against."""
        return self.measured / (self.goal if self.held is None else self.held)

    @property
    def limit(self) -> float:
        """The goal as a ratio."""
        return 1.0 if self.held is None else self.goal

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.limit if self.at_least else self.ratio <= self.limit

    @property
    def verdict(self) -> str:
        """`met`, or by which factor the goal is missed."""
        if self.is_met:
            return "met"
        factor = self.limit / self.ratio if self.at_least else self.ratio / self.limit
        return f"not met, by a factor of {factor:.2f}"

    @property
    def held_text(self) -> str:
        """What it is held against, with its figure."""
        if self.held is None:
            return "fixed"
        return f"{self.against} {short(self.held)} {self.unit}"

    @property
    def goal_text(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {short(self.goal)}{f' {self.unit}' if self.held is None else ' x'}"

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "number": self.number,
            "figure": self.figure,
            "measured": self.measured,
            "unit": self.unit,
            "against": self.against,
            "held": self.held,
            "ratio": self.ratio,
            "goal": self.goal,
            "at_least": self.at_least,
            "met": self.is_met,
            "verdict": self.verdict,
            "note": self.note,
        }


def yes_or_no(number: str, figure: str, count: int, note: str = "") -> Line:
    """A figure that must be nothing at all: `count` is how often it happened."""
    return Line(number=number, figure=figure, measured=count + 1e-9, unit="times", goal=0.5, note=note)


_TITLES = ("", "figure", "measured", "held against", "ratio", "goal", "verdict")


def table(lines: Sequence[Line]) -> str:
    """All lines as a table, notes below it."""
    rows = [_TITLES, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    drawn = [_drawn(row, widths) for row in rows]
    notes = [f"{line.number} {line.figure}: {line.note}" for line in lines if line.note]
    met = sum(line.is_met for line in lines)
    return "\n".join([*drawn, "", *notes, "", f"{met} of {len(lines)} figures meet their goal"])


def summary(lines: Iterable[Line], environment: dict[str, Any]) -> dict[str, Any]:
    """All lines and where they were measured, for programs."""
    return {"environment": environment, "lines": [line.as_json() for line in lines]}


def _cells(line: Line) -> tuple[str, ...]:
    measured = f"{short(line.measured)} {line.unit}"
    return (line.number, line.figure, measured, line.held_text, short(line.ratio), line.goal_text, line.verdict)


def _drawn(row: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
