"""How many requests to be enrolled are looked at: a flood of them must not cost more than that."""

from __future__ import annotations

import time
from collections.abc import Callable

_A_SECOND = 100.0
_AT_ONCE = 200.0


class Pace:
    """So many at once, then so many a second. Who is left out asks again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = _AT_ONCE
        self._looked = clock()

    def allows(self) -> bool:
        """Whether one more is looked at now."""
        now = self._clock()
        self._left = min(_AT_ONCE, self._left + (now - self._looked) * _A_SECOND)
        self._looked = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
