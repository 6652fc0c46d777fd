"""Shows what was looked for, for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from osapi.agent.preflight import Check

_HEAD = ("STATE", "KIND", "WHAT", "FOR", "REMEDY")
_WIDEST = 78


def table(checks: Sequence[Check]) -> str:
    """One line for each."""
    rows = [_HEAD, *((each.state, each.kind, _cut(each.what), each.needs, each.remedy) for each in checks)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
