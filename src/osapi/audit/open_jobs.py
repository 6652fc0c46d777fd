"""Jobs that go on after their request was answered, and who wants to know how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from osapi.contract.trail import HostCounts

MOST_JOBS = 10_000
"""Jobs that are remembered; beyond that the end of the oldest is not told."""


class Follower(Protocol):
    """Who wants to know how a job ended."""

    def ended(self, counts: HostCounts, /) -> None: ...


class OpenJobs:
    """Trails of jobs that are not over, the newest of them."""

    def __init__(self, most: int = MOST_JOBS) -> None:
        self._most = most
        self._trails: dict[str, Follower] = {}

    def expect(self, job_id: str, trail: Follower) -> None:
        """The trail will be told how this job ends."""
        if len(self._trails) >= self._most:
            del self._trails[next(iter(self._trails))]
        self._trails[job_id] = trail

    def forget(self, job_id: str) -> None:
        """It need not be told."""
        self._trails.pop(job_id, None)

    def ended(self, job_id: str, counts: Callable[[], HostCounts]) -> None:
        """The job is over; `counts` is asked only if somebody wants to know."""
        trail = self._trails.pop(job_id, None)
        if trail is not None:
            trail.ended(counts())
