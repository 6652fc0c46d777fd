"""What agents have said that is not believed: it has no effect, and somebody should know of it."""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from osapi.telemetry.log import get_logger

KEPT = 1000
"""How many of the newest are kept to be looked at."""
_BURST = 20
"""Lines of log at once; after that one each second, so that a flood does not drown everything else."""

_log = get_logger(__name__)


class Saying(enum.Enum):
    """What an agent says under its signature."""

    RESULT = "result"
    HEARTBEAT = "heartbeat"
    FACTS = "facts"


class Doubt(enum.Enum):
    """Why it is not believed."""

    UNREADABLE = "unreadable"
    ELSEWHERE = "under the key of another host or job"
    UNSIGNED = "not signed, although this agent signs"
    SIGNATURE = "not signed by the key of this agent"


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """One message. `key` is the bucket's key under which it came; `machine` and `job` are what it claims, if it can be read."""

    saying: Saying
    doubt: Doubt
    key: str
    machine: str = ""
    job: str = ""
    signed_by: str = ""
    """Fingerprint of the key that signed it, as it claims; empty when nothing did."""
    noticed: float
    """When, in seconds since the epoch."""


class Quarantine:
    """Counts all of them and keeps the newest. One and the same message may be noticed more than once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._newest: deque[Suspect] = deque(maxlen=KEPT)
        self._lines = float(_BURST)
        self._refilled = clock()
        self.counts: Counter[tuple[Saying, Doubt]] = Counter()

    @property
    def newest(self) -> Sequence[Suspect]:
        """The newest first."""
        return tuple(reversed(self._newest))

    def put(
        self, saying: Saying, doubt: Doubt, key: str, *, machine: str = "", job: str = "", signed_by: str = ""
    ) -> None:
        """Note one, and tell the log unless it has been told of many just now."""
        now = self._clock()
        self._newest.append(
            Suspect(saying=saying, doubt=doubt, key=key, machine=machine, job=job, signed_by=signed_by, noticed=now)
        )
        self.counts[saying, doubt] += 1
        if self._has_line(now):
            _log.warning(
                "security.quarantined",
                saying=saying.value,
                key=key,
                machine_id=machine,
                job_id=job,
                signed_by=signed_by,
                count=self.counts[saying, doubt],
                error=doubt.value,
            )

    def _has_line(self, now: float) -> bool:
        self._lines = min(_BURST, self._lines + max(0.0, now - self._refilled))
        self._refilled = now
        if self._lines < 1:
            return False
        self._lines -= 1
        return True
