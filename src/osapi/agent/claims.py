"""Takes a job for anybody so that no other agent can: by writing an entry that can be written once.

An acknowledgement to the queue is not enough, although the broker confirms it. It also confirms one that
comes too late, when the job has been handed to another agent (an agent that was stopped for a while), and
it hands out acknowledged jobs again when it was killed before it had stored the acknowledgement. Both were
seen with nats-server 2.15. The entry is stored before it is confirmed, and a second one is refused.

The entry is the job's first `acknowledged` event, under a key that every agent would use.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.contract.errors import Conflict, Unavailable
from osapi.contract.ids import MachineId
from osapi.jobs import subjects
from osapi.jobs.record import Event, Job, StatusEvent
from osapi.transport.bucket import Bucket

_PAUSE_S = 0.5

_decode = msgspec.json.Decoder(StatusEvent).decode
_encode = msgspec.json.Encoder().encode


class Claims:
    """Takes jobs for one agent. `returned` beats when the connection is back after a loss."""

    def __init__(
        self,
        queue: Bucket,
        machine: MachineId,
        nameplate: Nameplate,
        returned: Pulse,
        now: Callable[[], datetime],
    ) -> None:
        self._queue = queue
        self._machine = machine
        self._nameplate = nameplate
        self._returned = returned
        self._now = now

    async def take(self, job: Job, when: datetime) -> bool:
        """Whether the job is ours now. False when another agent, or an earlier run of ours, took it.

        While the broker is away it goes on trying until the job expires, because a claim whose
        confirmation was lost keeps every other agent from it. Raises `Unavailable` when that was in vain.
        """
        claim = StatusEvent(
            job_id=job.id,
            event=Event.ACKNOWLEDGED,
            machine_id=self._machine,
            hostname=self._nameplate.hostname,
            timestamp=when,
        )
        doubtful = False
        while True:
            try:
                return await self._write(claim, doubtful=doubtful)
            except Unavailable:
                if self._now() >= job.expires:
                    raise
                doubtful = True
            await self._returned.wait(_PAUSE_S)

    async def _write(self, claim: StatusEvent, *, doubtful: bool) -> bool:
        try:
            await self._queue.update(subjects.claim_key(claim.job_id), _encode(claim), 0)
        except Conflict:
            return doubtful and await self._is_stored(claim)
        return True

    async def _is_stored(self, claim: StatusEvent) -> bool:
        """Whether the claim that is there is the one we tried to write before."""
        entry = await self._queue.get(subjects.claim_key(claim.job_id))
        return entry is not None and not entry.deleted and _decode(entry.value) == claim
