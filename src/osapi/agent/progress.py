"""Says that a job is in hand, but only when that is worth saying.

Most jobs end within a quarter of a second: their answer alone tells when they were received, begun and
finished. One that takes longer is acknowledged, so that no controller sends it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from osapi.jobs.record import Event

QUIET_S = 0.25

Tell = Callable[[Event, datetime], None]


class Progress:
    """The events of one job in hand. `tell` appends one; its time makes telling it twice harmless."""

    def __init__(self, tell: Tell, received: datetime, quiet_s: float = QUIET_S) -> None:
        self._tell = tell
        self._received = received
        self._began: datetime | None = None
        self._told = False
        self._timer = asyncio.get_running_loop().call_later(quiet_s, self.tell)

    def tell(self) -> None:
        """Say now how far the job is: because it takes long, or because somebody asks by sending it again."""
        self._told = True
        self._tell(Event.ACKNOWLEDGED, self._received)
        if self._began is not None:
            self._tell(Event.STARTED, self._began)

    def began(self, when: datetime) -> None:
        """The work has begun."""
        self._began = when
        if self._told:
            self._tell(Event.STARTED, when)

    def close(self) -> None:
        """Say nothing from now on. A second call changes nothing."""
        self._timer.cancel()
