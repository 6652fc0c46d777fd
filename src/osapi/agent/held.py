"""One job in hand, from its arrival until its answer is stored."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field
from datetime import datetime

from osapi.agent.execution import Waiting
from osapi.agent.keeping import Keeping
from osapi.agent.live import LiveOutput
from osapi.agent.progress import Progress
from osapi.jobs.record import Job


class Stop(enum.Enum):
    """Why a job is being stopped."""

    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


@dataclass(eq=False)
class Held:
    """A job in hand.

    `payload` is the job as it was signed. `claimed` says that it came from the shared queue, so that
    nobody else will ever run it. `begun` says that its task has; `started` is None until the effect is
    about to begin. `waiting` is set while its work goes on by itself. `over` is set when its outcome is known; from then on nothing can stop it any more.
    """

    job: Job
    payload: bytes
    received: datetime
    claimed: bool
    progress: Progress
    live: LiveOutput
    keeping: Keeping | None = None
    task: asyncio.Task[None] | None = None
    started: datetime | None = None
    waiting: Waiting | None = None
    stopped: Stop | None = None
    begun: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def can_be_left(self) -> bool:
        """Whether a stopping agent need not wait for it: nobody will listen, or the next one sees to its end."""
        return self.job.followed or self.waiting is not None

    @property
    def is_stopped(self) -> bool:
        """Whether somebody wants it to end."""
        return self.stopped is not None

    def stop(self, why: Stop) -> None:
        """Stop it wherever it stands: queued, about to begin, or running. A second call changes nothing."""
        if self.over.is_set() or self.is_stopped:
            return
        self.stopped = why
        if self.begun and self.task is not None:
            # A task that is cancelled before its first step never runs at all; this one would never end.
            self.task.cancel()
