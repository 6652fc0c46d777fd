"""Jobs that are over, remembered for as long as a message about them may still come."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from osapi.agent.intake import Standing
from osapi.contract.ids import JobId

MARGIN = timedelta(minutes=5)
"""How long after its expiry a finished job is remembered; after that a repeated message has expired anyway."""
CANCEL_MEMORY = timedelta(hours=1)
"""How long an order to cancel waits for a job that has not come."""


class Memory:
    """Finished and cancelled jobs. Lost at a restart; then the ledger knows the modifies."""

    def __init__(self) -> None:
        self._known: dict[JobId, tuple[Standing, datetime]] = {}
        self._until: list[tuple[datetime, JobId]] = []

    def standing(self, job: JobId) -> Standing:
        """`FINISHED`, `CANCELLED` or `NEW`."""
        known = self._known.get(job)
        return Standing.NEW if known is None else known[0]

    def finished(self, job: JobId, expires: datetime, now: datetime) -> None:
        """The job has come to its end."""
        self._keep(job, Standing.FINISHED, expires + MARGIN, now)

    def cancelled(self, job: JobId, now: datetime) -> None:
        """The job is not to begin, should it come. Changes nothing for a job that is over."""
        if job not in self._known:
            self._keep(job, Standing.CANCELLED, now + CANCEL_MEMORY, now)

    def _keep(self, job: JobId, standing: Standing, until: datetime, now: datetime) -> None:
        self._known[job] = standing, until
        heapq.heappush(self._until, (until, job))
        while self._until and self._until[0][0] < now:
            past, old = heapq.heappop(self._until)
            if old in self._known and self._known[old][1] == past:
                del self._known[old]
