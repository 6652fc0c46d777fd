"""Which files are deployed where, in memory: fed by one watch on the bucket `file-state`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from osapi.files.record import FileState
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

_log = get_logger(__name__)
_decode = msgspec.json.Decoder(FileState).decode


class FileStates:
    """The last word of every agent about every file. `start` returns when all that is stored is known."""

    def __init__(self, bucket: Bucket) -> None:
        self._states: dict[str, FileState] = {}
        self._follower = Follower(bucket, ">", self.note, self._states.clear)

    async def start(self) -> None:
        """Follow the bucket. Raises `Unavailable` or `NotFound`."""
        await self._follower.start()

    async def stop(self) -> None:
        """Follow it no longer. A second call changes nothing."""
        await self._follower.stop()

    def note(self, entry: Entry) -> None:
        """Take in one entry. What is no record is left out and logged."""
        if entry.deleted:
            self._states.pop(entry.key, None)
            return
        try:
            self._states[entry.key] = _decode(entry.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            self._states.pop(entry.key, None)
            _log.warning("file_state.unreadable", key=entry.key, error=str(problem))

    def deployed(self) -> Iterator[FileState]:
        """Every file that is deployed and made from an object."""
        return (state for state in self._states.values() if state.object_name and state.undeployed_at is None)
