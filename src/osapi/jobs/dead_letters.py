"""Deliveries that came to nothing: kept in the stream `JOBS-DLQ` to be looked at, run again, or purged.

A letter is written when no host began in time (`expired`) or a host refused the job (`rejected`). The
broker adds a notice of its own for a message it could not hand over at all; that has no job and is shown
with the stream sequence it names.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from osapi.contract.errors import NotFound
from osapi.contract.ids import JobId
from osapi.jobs import subjects
from osapi.jobs.api import DeadLetter, DeadLetterList
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.status import HostNote, HostState
from osapi.transport.broker import Broker
from osapi.transport.stream import StreamMessage

_LOST = frozenset({HostState.EXPIRED, HostState.REJECTED})


class _Letter(msgspec.Struct, omit_defaults=True):
    job_id: str
    reason: str
    operation: str
    target: str
    timestamp: datetime
    hostname: str | None = None
    machine_id: str | None = None


class _Advisory(msgspec.Struct):
    """The broker's notice, see "JetStream advisories" in the NATS documentation."""

    stream: str
    consumer: str
    stream_seq: int
    deliveries: int
    timestamp: datetime


class DeadLetters:
    """Reads and writes the dead-letter stream."""

    def __init__(self, broker: Broker, stream: str) -> None:
        self._broker = broker
        self._stream = broker.stream(stream)

    async def write(self, entry: JobEntry, now: float) -> None:
        """Write one letter for each host on which the finished job came to nothing; twice changes nothing."""
        for machine, hostname, state in lost_hosts(entry, now):
            letter = _Letter(
                job_id=entry.id,
                reason=state.value,
                operation=entry.operation,
                target=entry.target,
                timestamp=moment(now),
                hostname=hostname,
                machine_id=None if hostname is None else machine,
            )
            subject = subjects.dead_letter(entry.id, machine)
            await self._broker.append(subject, msgspec.json.encode(letter), message_id=subject)

    async def count(self) -> int:
        """How many letters there are."""
        return await self._stream.count()

    async def list(self, limit: int) -> DeadLetterList:
        """Read the newest letters."""
        total = await self._stream.count()
        messages = await self._stream.newest(limit)
        return DeadLetterList(total_items=total, items=[_read(message) for message in messages])

    async def get(self, sequence: int) -> DeadLetter:
        """Read one letter. Raises `NotFound`."""
        message = await self._stream.get(sequence)
        if message is None:
            raise NotFound(f"dead letter {sequence} does not exist; `osapi client job dead-letter list` shows all")
        return _read(message)

    async def purge(self, sequence: int | None) -> int:
        """Delete one letter, or all of them, and return how many. Raises `NotFound` for an unknown one."""
        if sequence is None:
            return await self._stream.purge()
        await self.get(sequence)
        await self._stream.delete(sequence)
        return 1


def lost_hosts(entry: JobEntry, now: float) -> list[tuple[str, str | None, HostState]]:
    """Machine id, name and state of each host on which the job came to nothing."""
    if entry.is_any and not entry.notes:
        state = entry.state_of(HostNote(), now)
        return [("_any", None, state)] if state in _LOST else []
    states = [(machine, note.hostname, entry.state_of(note, now)) for machine, note in entry.notes.items()]
    return [lost for lost in states if lost[2] in _LOST]


def _read(message: StreamMessage) -> DeadLetter:
    try:
        letter = msgspec.json.decode(message.data, type=_Letter)
    except msgspec.DecodeError:
        return _read_advisory(message)
    return DeadLetter(
        id=message.sequence,
        job_id=JobId(letter.job_id),
        reason=letter.reason,
        operation=letter.operation,
        target=letter.target,
        timestamp=letter.timestamp,
        hostname=letter.hostname,
        machine_id=letter.machine_id,
    )


def _read_advisory(message: StreamMessage) -> DeadLetter:
    advisory = msgspec.json.decode(message.data, type=_Advisory)
    return DeadLetter(
        id=message.sequence,
        job_id="",
        reason=f"undeliverable after {advisory.deliveries} tries: message {advisory.stream_seq} of {advisory.stream}",
        operation="",
        target="_any",
        timestamp=advisory.timestamp,
    )
