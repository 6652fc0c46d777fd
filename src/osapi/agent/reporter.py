"""Tells the broker what became of a job, and does not give up until it is stored there.

An answer is final: it is written only where there is none yet, so that whatever happens twice (a repeated
message, an answer sent again after a restart) can never replace what was said first.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.agent.tasks import Tasks
from osapi.contract.errors import Conflict, OsapiError, TooLarge
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Event, Response, StatusEvent
from osapi.pki.signing import Signer
from osapi.telemetry.log import get_logger
from osapi.transport.bucket import Bucket

QUERY_PATIENCE = timedelta(hours=1)
"""How long the answer to a query is kept for a broker that is away. That of a modify is in the ledger."""
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_EVENT_ATTEMPTS = 3

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Reporter:
    """Writes answers and events of one agent. `returned` beats when the connection is back after a loss."""

    def __init__(
        self,
        responses: Bucket,
        queue: Bucket,
        signer: Signer,
        machine: MachineId,
        nameplate: Nameplate,
        returned: Pulse,
        *,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._responses = responses
        self._queue = queue
        self._signer = signer
        self._machine = machine
        self._nameplate = nameplate
        self._returned = returned
        self._random = random
        self._tasks = Tasks()

    async def publish(self, response: Response, patience: timedelta | None = None) -> bool:
        """Store an answer, for as long as it takes; True when it is stored, also if another was before.

        False when `patience` ran out first.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + (math.inf if patience is None else patience.total_seconds())
        key = subjects.response_key(response.job_id, self._machine)
        longest = _FIRST_WAIT_S
        while True:
            try:
                await self._responses.update(key, self._signed(response), 0)
            except Conflict:
                return True
            except TooLarge as problem:
                response = _without_data(response, problem)
            except OsapiError as problem:
                if clock() >= end:
                    _log.warning("job.answer_lost", job_id=response.job_id, error=problem.message)
                    return False
                returned = await self._returned.wait(longest * self._random())
                longest = _FIRST_WAIT_S if returned else min(longest * 2, _LONGEST_WAIT_S)
            else:
                return True

    def note(self, job: JobId, event: Event, when: datetime) -> None:
        """Append an event to the job's history, in the background. Lost if the broker is away."""
        noted = StatusEvent(
            job_id=job,
            event=event,
            machine_id=self._machine,
            hostname=self._nameplate.hostname,
            timestamp=when,
        )
        nanoseconds = round(when.timestamp() * 1e6) * 1000
        key = subjects.event_key(job, event.value, self._machine, nanoseconds)
        self._tasks.start(self._append(key, _encode(noted)), f"note {event.value} {job}")

    def _signed(self, response: Response) -> bytes:
        """By the agent's key: it names job and machine, so it can stand for no other."""
        return envelope.seal(self._signer, envelope.RESULT, _encode(response))

    async def close(self) -> None:
        """Stop what is still being written. A second call changes nothing."""
        await self._tasks.cancel()

    async def _append(self, key: str, value: bytes) -> None:
        for attempt in range(_EVENT_ATTEMPTS):
            try:
                await self._queue.put(key, value)
            except OsapiError as problem:
                _log.debug("job.event_waits", key=key, error=problem.message)
                await asyncio.sleep(2**attempt * self._random())
            else:
                return


def _without_data(response: Response, problem: TooLarge) -> Response:
    ending = Ending.FAILED if response.ending is Ending.COMPLETED else response.ending
    text = f"the answer is too large to be sent: {problem.message}"
    return msgspec.structs.replace(response, ending=ending, data=msgspec.Raw(b"null"), error=text, code=TooLarge.code)
