"""What is not told for a while: kept in the bucket, followed by every controller."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

import msgspec

from osapi.contract.errors import NotFound
from osapi.contract.target import LabelTarget
from osapi.notify.models import Finding, Silence
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

KEYS = "silence.*"

_decode = msgspec.json.Decoder(Silence).decode
_log = get_logger(__name__)


class Silences:
    """Every silence, fed by one watch."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._kept: dict[str, Silence] = {}
        self._follower = Follower(bucket, KEYS, self.note, self._kept.clear)

    async def start(self) -> None:
        """Return when all are known. A second call changes nothing."""
        await self._follower.start()

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        await self._follower.stop()

    def list(self, now: float) -> Sequence[Silence]:
        """Those that hold now, the one that ends first at first."""
        return sorted((each for each in self._kept.values() if each.ends_at > now), key=lambda each: each.ends_at)

    def get(self, name: str) -> Silence:
        """The silence of this id. Raises `NotFound`."""
        found = self._kept.get(_key(name))
        if found is None:
            raise NotFound(f"there is no silence {name}; it may have ended")
        return found

    async def add(self, silence: Silence) -> None:
        """Keep one. Raises `Unavailable` when the broker is away."""
        await self._bucket.put(_key(silence.id), msgspec.json.encode(silence))
        self._kept[_key(silence.id)] = silence

    async def end(self, name: str) -> None:
        """End one before its time. Raises `NotFound`, and `Unavailable` when the broker is away."""
        self.get(name)
        await self._bucket.purge(_key(name))
        self._kept.pop(_key(name), None)

    async def tidy(self, now: float) -> None:
        """Remove what has ended. Raises `Unavailable` when the broker is away."""
        for silence in [each for each in self._kept.values() if each.ends_at <= now]:
            await self.end(silence.id)

    def holds(self, finding: Finding, now: float) -> bool:
        """Whether a finding is not to be told at this time."""
        return any(matches(each, finding) for each in self._kept.values() if each.ends_at > now)

    def note(self, entry: Entry) -> None:
        """Take in one entry of the bucket; one that cannot be read silences nothing."""
        if entry.deleted:
            self._kept.pop(entry.key, None)
            return
        try:
            self._kept[entry.key] = _decode(entry.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("notify.silence_unreadable", key=entry.key, error=str(problem))


def matches(silence: Silence, finding: Finding) -> bool:
    """Whether a silence is about a finding: all that it names must fit. Pure."""
    return all(_fits(silence, finding))


def _fits(silence: Silence, finding: Finding) -> Iterable[bool]:
    if silence.condition:
        yield silence.condition == finding.condition
    if silence.host:
        yield silence.host == finding.subject or fnmatch.fnmatchcase(finding.name, silence.host)
    if silence.label:
        key, _, value = silence.label.partition(":")
        yield LabelTarget(key, value).matches(finding.labels)


def _key(name: str) -> str:
    return f"silence.{name}"
