"""Controllers and brokers as they last described themselves, fed by watches on the registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from osapi.fleet import models
from osapi.fleet.models import ComponentKind, ComponentRecord
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

_log = get_logger(__name__)
_decode = msgspec.json.Decoder(ComponentRecord).decode


@dataclass(frozen=True)
class Component:
    """One program. `silent_s` is the time since its last heartbeat, in seconds."""

    record: ComponentRecord
    reachable: bool
    silent_s: float


class Components:
    """Every controller and broker that ever reported."""

    def __init__(
        self,
        bucket: Bucket,
        *,
        ttl: timedelta,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ttl_s = ttl.total_seconds()
        self._clock = clock
        self._now = now
        self._known: dict[str, tuple[ComponentRecord, float]] = {}
        self._followers = [Follower(bucket, f"{kind.value}.*", self.note) for kind in ComponentKind]

    async def start(self) -> None:
        """Return when every stored record has been read. A second call changes nothing."""
        for follower in self._followers:
            await follower.start()

    async def stop(self) -> None:
        """End the watches. A second call changes nothing."""
        for follower in self._followers:
            await follower.stop()

    def list(self) -> Sequence[Component]:
        """All that are known, controllers first. What ended in good order is left out."""
        found = [self._component(*known) for known in self._known.values() if not known[0].stopped]
        return sorted(found, key=lambda each: (each.record.kind.value, each.record.name))

    def note(self, entry: Entry) -> None:
        """Take in one record. One that cannot be read, or that claims to be another, is left out."""
        if entry.deleted:
            self._known.pop(entry.key, None)
            return
        try:
            record = _decode(entry.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("fleet.record_unreadable", key=entry.key, error=str(problem))
            return
        if models.component_key(record) != entry.key:
            _log.warning("security.record_forged", key=entry.key, name_=record.name)
            return
        age_s = 0.0 if self._caught_up else max(0.0, (self._now() - entry.created).total_seconds())
        self._known[entry.key] = record, self._clock() - age_s

    @property
    def _caught_up(self) -> bool:
        return all(follower.caught_up for follower in self._followers)

    def _component(self, record: ComponentRecord, arrived: float) -> Component:
        silent_s = self._clock() - arrived
        return Component(record, silent_s <= self._ttl_s, silent_s)
