"""Makes sure that every expected host hears of its jobs.

A broadcast or a direct job is published once and heard live. Whoever did not hear it is found out in two
ways: an agent that connects or notices a gap says hello and is sent what it missed; and a job that a host
does not acknowledge is sent to it again, ever more rarely, until it expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from osapi.contract.errors import OsapiError
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import subjects
from osapi.jobs.dispatcher import Dispatcher
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.index import Index
from osapi.jobs.record import Actor, Hello, Welcome
from osapi.jobs.store import sealed_part
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker, Message

FIRST_RESEND_S = 1.0
LONGEST_RESEND_S = 8.0
_STEP_S = 0.25
_CONTROLLER = Actor(subject="_api")

_encode = msgspec.json.Encoder().encode
_decode_hello = msgspec.json.Decoder(Hello).decode
_log = get_logger(__name__)


@dataclass
class _Schedule:
    due: float
    interval_s: float


class Delivery:
    """Sends again what was not heard. Several controllers may do so at once; agents drop what they know.

    `standing` is the last signed order given to an agent, which is told with every hello.
    """

    def __init__(
        self,
        broker: Broker,
        index: Index,
        dispatcher: Dispatcher,
        *,
        standing: Callable[[MachineId], bytes],
        clock: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._index = index
        self._dispatcher = dispatcher
        self._standing = standing
        self._clock = clock
        self._schedules: dict[str, _Schedule] = {}

    async def start(self) -> None:
        """Begin to answer agents."""
        await self._broker.subscribe_queue(subjects.HELLO, subjects.CONTROLLERS, self._on_hello)

    async def run(self, time_passes: Callable[[], None]) -> None:
        """Let time pass for the index, announced by `time_passes`, and send again what is due. Never returns."""
        while True:
            now = self._clock()
            time_passes()
            self._index.tick(now)
            try:
                await self._resend_due(now)
            except OsapiError as problem:
                _log.warning("jobs.resend_failed", error=problem.message)
            await asyncio.sleep(_STEP_S)

    async def _resend_due(self, now: float) -> None:
        unfinished = {entry.id: entry for entry in self._index.unfinished()}
        for gone in self._schedules.keys() - unfinished.keys():
            del self._schedules[gone]
            self._dispatcher.unconfirmed.discard(JobId(gone))
        for entry in unfinished.values():
            schedule = self._schedules.setdefault(entry.id, _Schedule(entry.created + FIRST_RESEND_S, FIRST_RESEND_S))
            if schedule.due <= now:
                schedule.interval_s = min(schedule.interval_s * 2, LONGEST_RESEND_S)
                schedule.due = now + schedule.interval_s
                await self._resend(entry, now)

    async def _resend(self, entry: JobEntry, now: float) -> None:
        if entry.cancelled is not None:
            await self._dispatcher.send_cancel(entry, _CONTROLLER)
        elif entry.record is None or now >= entry.expires:
            return
        elif entry.is_any:
            await self._publish_again(entry, entry.record)
        else:
            for machine in _unacknowledged(entry):
                await self._broker.publish(
                    subjects.direct(entry.kind, machine), sealed_part(entry.record), headers=entry.trace
                )

    async def _publish_again(self, entry: JobEntry, record: bytes) -> None:
        """Store the message of an `_any` job once more; the stream drops it if it has it (by message id)."""
        if entry.notes or entry.id not in self._dispatcher.unconfirmed:
            return
        subject = subjects.submission(entry.kind, entry.route)
        await self._broker.append(subject, sealed_part(record), message_id=entry.id, headers=entry.trace)
        self._dispatcher.unconfirmed.discard(entry.id)

    async def _on_hello(self, message: Message) -> None:
        try:
            hello = _decode_hello(message.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("jobs.hello_unreadable", error=str(problem))
            return
        now = self._clock()
        missed = list(_missed(self._index, hello, now))
        for entry, record in missed:
            subject = subjects.direct(entry.kind, hello.machine_id)
            await self._broker.publish(subject, sealed_part(record), headers=entry.trace)
        if not subjects.is_own_reply(message.reply, subjects.inbox(hello.machine_id)):
            return  # an answer of ours must not go where the agent itself may not write
        await message.respond(
            _encode(Welcome(resent=len(missed), now=moment(now), standing=self._standing(hello.machine_id)))
        )


def _unacknowledged(entry: JobEntry) -> list[MachineId]:
    return [
        MachineId(machine) for machine, note in entry.notes.items() if note.ending is None and note.acknowledged is None
    ]


def _missed(index: Index, hello: Hello, now: float) -> Iterator[tuple[JobEntry, bytes]]:
    for entry in index.unfinished():
        note = entry.notes.get(hello.machine_id)
        if note is None or note.ending is not None or entry.id in hello.holding or entry.record is None:
            continue
        if entry.cancelled is None and now < entry.expires and not entry.is_any:
            yield entry, entry.record
