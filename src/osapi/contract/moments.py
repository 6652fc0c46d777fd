"""Which times in messages are believed to be times."""

from __future__ import annotations

from datetime import datetime

_YEARS = range(2000, 2200)


def check(*moments: datetime | None) -> None:
    """Raise `ValueError` for a time without a zone, and for one so far away that nothing can be reckoned with it.

    Models call it when they are made; a decoder then refuses the message. None is no time.
    """
    for moment in moments:
        if moment is not None and (moment.tzinfo is None or moment.year not in _YEARS):
            raise ValueError(f"{moment} is no time with a zone between the years {_YEARS[0]} and {_YEARS[-1]}")
