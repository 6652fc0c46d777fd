"""Tells the controllers which files OSAPI keeps on this host, as often as it takes.

What is to be told stands in the notes about the files, on disk; so neither a broker that is away nor a restart
loses a word. The last word about a file replaces the earlier ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.files import record
from osapi.files.record import FileState
from osapi.host.managed import ManagedFiles, Untold
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class FileStatesTeller:
    """Writes the entries of one agent. `returned` beats when the connection is back after a loss."""

    def __init__(
        self,
        bucket: Bucket,
        notes: ManagedFiles,
        machine: MachineId,
        nameplate: Nameplate,
        returned: Pulse,
        *,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._bucket = bucket
        self._notes = notes
        self._machine = machine
        self._nameplate = nameplate
        self._returned = returned
        self._random = random

    async def run(self) -> None:
        """Tell what there is to tell, and then each change. Never returns."""
        longest = _FIRST_WAIT_S
        while True:
            self._notes.changed.clear()
            try:
                while await self.tell():
                    longest = _FIRST_WAIT_S
            except OsapiError as problem:
                _log.debug("file_state.waits", error=problem.message)
                returned = await self._returned.wait(longest * self._random())
                longest = _FIRST_WAIT_S if returned else min(longest * 2, _LONGEST_WAIT_S)
            else:
                await self._notes.changed.wait()

    async def tell(self) -> bool:
        """Tell some of it; False when there was nothing. Raises what the broker refuses; the rest stays to be told."""
        untold = await self._notes.untold()
        for each in untold:
            if each.note.settled:
                state = self._state(each)
                await self._bucket.put(record.key(self._machine, each.note.path), _encode(state))
            await self._notes.tell(each)
        return bool(untold)

    def _state(self, untold: Untold) -> FileState:
        note = untold.note
        state = FileState(
            machine_id=self._machine,
            hostname=self._nameplate.hostname,
            path=note.path,
            sha256=note.sha256,
            operation=note.operation,
            job_id=note.job_id,
            deployed_at=note.recorded,
            rendered_sha256=note.rendered or "",
            mode="" if note.mode is None else f"{note.mode:04o}",
            owner=note.owner or "",
            group=note.group or "",
            undeployed_at=untold.forgotten,
            metadata=dict(note.metadata),
        )
        if note.source is None:
            return state
        return msgspec.structs.replace(
            state,
            object_name=note.source.object_name,
            content_type=note.source.content_type,
            source_sha256=note.source.sha256,
        )
