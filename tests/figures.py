"""Prints the figures of the fault matrix (docs/reliability.md); `tests/conftest.py` shows them at the end of a run."""

from __future__ import annotations


def figures(row: str, **values: object) -> None:
    """Print one line, for example `figures("row 15", delivered=101, executed=1)`."""
    print(f"\n{row}: " + ", ".join(f"{name} = {value}" for name, value in values.items()))
