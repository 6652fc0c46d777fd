"""How far this host's clock is from the controller's, as far as the controller has told."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

UNKNOWN = timedelta(0)


def _boot_s() -> float:
    """Seconds that pass whatever becomes of the clock, also while the host sleeps; see clock_gettime(2)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Skew:
    """What the last welcome said of the time. A clock that is set in between shows at once."""

    def __init__(self, passed_s: Callable[[], float] = _boot_s) -> None:
        self._passed_s = passed_s
        self._told: datetime | None = None
        self._told_s = 0.0

    def learn(self, controller_now: datetime) -> None:
        """The controller's clock shows this now."""
        self._told, self._told_s = controller_now, self._passed_s()

    def ahead(self, now: datetime) -> timedelta:
        """How far a clock that shows `now` is ahead of the controller's; negative: behind. Zero while nothing is known."""
        if self._told is None:
            return UNKNOWN
        return now - (self._told + timedelta(seconds=self._passed_s() - self._told_s))
