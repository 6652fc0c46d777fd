"""Places where a test can make the agent die, as if the power had gone.

Active only when the environment variable `OSAPI_FAIL_POINT` names a place; the agent then kills itself
with SIGKILL when it comes by. Serves the fault matrix: killed before, during and after a change.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

VARIABLE = "OSAPI_FAIL_POINT"
BEFORE_START = "before_start"
"""A job is accepted; nothing has been written."""
AFTER_STARTED = "after_started"
"""The ledger says `started`; the effect has not begun."""
AFTER_EFFECT = "after_effect"
"""The provider has returned; nothing of it has been written, and nobody has been told."""
POINTS = (BEFORE_START, AFTER_STARTED, AFTER_EFFECT)


class FailPoints:
    """Dies at the chosen place. `chosen` None means never."""

    def __init__(self, chosen: str | None, die: Callable[[], None]) -> None:
        if chosen is not None and chosen not in POINTS:
            raise ValueError(f"{VARIABLE}={chosen}: no such place; use one of {', '.join(POINTS)}")
        self._chosen = chosen
        self._die = die

    def reach(self, point: str) -> None:
        """Die here if this is the chosen place."""
        if point == self._chosen:
            self._die()


def from_environment(environ: Mapping[str, str]) -> FailPoints:
    """The fail points of this process, which kill it for real. Raises `ValueError` for an unknown place."""
    return FailPoints(environ.get(VARIABLE) or None, lambda: os.kill(os.getpid(), signal.SIGKILL))
