"""The ways out for what jobs give out besides their answers: live to who listens, and whole into a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from osapi.agent.keeping import Keeping
from osapi.agent.live import LiveOutput, pace
from osapi.agent.nameplate import Nameplate
from osapi.agent.pieces import Piece
from osapi.contract.errors import OsapiError
from osapi.contract.ids import MachineId
from osapi.jobs import roster, subjects
from osapi.jobs.record import Job, Output
from osapi.telemetry.log import get_logger
from osapi.transport.objects import ObjectStore

_CONFIRM_S = 2.0

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Broker(Protocol):
    """What is needed of `transport.broker.Broker`."""

    async def append(self, subject: str, payload: bytes, *, timeout_s: float) -> int: ...


class Outlet:
    """The ways out for the jobs of one agent."""

    def __init__(
        self,
        broker: Broker,
        store: ObjectStore | None,
        machine: MachineId,
        nameplate: Nameplate,
        now: Callable[[], datetime],
        *,
        keep_bytes: int,
    ) -> None:
        """`store` None: nothing is kept whole. `keep_bytes` is the most that is kept of one output."""
        self._broker = broker
        self._store = store
        self._keep_bytes = keep_bytes
        self._machine = machine
        self._nameplate = nameplate
        self._now = now

    def keeping(self, job: Job) -> Keeping | None:
        """Where a job puts what is kept whole; None where there is no store."""
        if self._store is None:
            return None
        return Keeping(self._store, job.id, self._machine, self._keep_bytes)

    def live(self, job: Job) -> LiveOutput:
        """Where a job puts what it gives out."""
        subject = subjects.output(job.id, self._machine)

        async def send(number: int, piece: Piece) -> bool:
            output = Output(
                job_id=job.id,
                machine_id=self._machine,
                hostname=self._nameplate.hostname,
                number=number,
                timestamp=self._now(),
                data=msgspec.Raw(_encode(piece.data)),
                left_out=piece.left_out,
            )
            try:
                await self._broker.append(subject, _encode(output), timeout_s=_CONFIRM_S)
            except OsapiError as problem:
                _log.debug("job.output_waits", job_id=job.id, error=problem.message)
                return False
            return True

        return LiveOutput(send, pace(len(job.expected) // roster.SIZE))
