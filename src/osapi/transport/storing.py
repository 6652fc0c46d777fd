"""Whether the broker stores what this program gives it, known before anything is given up.

A disk that is full, or a broker that is stuck, shows as silence alone: no refusal comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SLOW_S = 3.0
"""A message that is not stored for so long is a sign of trouble; storing one takes milliseconds."""


class Storing:
    """What is on its way to be stored over one connection. `clock` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._on_way: dict[int, float] = {}
        self._count = 0
        self._fails = False

    def begin(self) -> int:
        """A message leaves; `end` takes the number that this returns."""
        self._count += 1
        self._on_way[self._count] = self._clock()
        return self._count

    def end(self, number: int, *, answered: bool | None) -> None:
        """The broker has answered, for good or ill, or has not; None: that is not known, the connection is gone."""
        self._on_way.pop(number, None)
        if answered is not None:
            self._fails = not answered

    def trouble(self) -> str | None:
        """Why nothing can be stored at present; None when it can, as far as anybody has tried."""
        oldest = next(iter(self._on_way.values()), None)
        if not self._fails and (oldest is None or self._clock() - oldest < SLOW_S):
            return None
        return "the broker does not store what it is given; its disk may be full"
