"""Hears jobs and orders (to cancel, to drain) on the live subjects of this host, its labels and everybody.

`intake` decides what becomes of them; what is ours goes to the worker. Jobs for anybody come another way,
see `puller`.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from osapi.agent import intake
from osapi.agent.dropping import tell_dropped
from osapi.agent.duty import Duty
from osapi.agent.gaps import Gaps
from osapi.agent.intake import Again, Answer, Arrival, Drop, Identity, Leave, Run
from osapi.agent.tools import Tools
from osapi.agent.trust import nobody_new
from osapi.agent.worker import Worker
from osapi.contract.errors import Forbidden
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Cancel
from osapi.pki.signing import Verifier
from osapi.telemetry import tracing
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker, Message, Subscription

_decode_cancel = msgspec.json.Decoder(Cancel).decode
_log = get_logger(__name__)


class Listener:
    """The ears of one agent. `on_gap` is called when a message was missed, or a clock seems wrong: then the controller is asked.

    `meet` is shown each message before it is judged.
    """

    def __init__(
        self,
        me: Identity,
        labels: dict[str, str],
        verifier: Verifier,
        worker: Worker,
        tools: Tools,
        duty: Duty,
        on_gap: Callable[[], None],
        meet: Callable[[bytes], Awaitable[None]] = nobody_new,
    ) -> None:
        self._me = me
        self._labels = labels
        self._unseal = functools.partial(envelope.unseal, verifier, envelope.JOB)
        self._verifier = verifier
        self._worker = worker
        self._tools = tools
        self._duty = duty
        self._on_gap = on_gap
        self._meet = meet
        self._gaps = Gaps()
        self._subscriptions: list[Subscription] = []

    async def start(self, broker: Broker) -> None:
        """Subscribe, and return when the broker has noted it. They come back by themselves after a loss."""
        machine = self._me.machine
        for subject in subjects.for_agent(machine, self._labels):
            self._subscriptions.append(await broker.subscribe(subject, self._on_job))
        for subject in (subjects.cancel(machine), subjects.cancel_everywhere()):
            self._subscriptions.append(await broker.subscribe(subject, self._on_cancel))
        self._subscriptions.append(await broker.subscribe(subjects.drain(machine), self._on_drain))
        await broker.flush()

    async def stop(self) -> None:
        """Hear nothing more. A second call changes nothing."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            await subscription.unsubscribe()

    async def _on_job(self, message: Message) -> None:
        await self._meet(message.data)
        received = self._tools.now()
        arrival = Arrival(message.subject, message.data)
        ahead = self._tools.skew.ahead(received)
        decision = intake.decide(arrival, self._me, self._unseal, self._worker.standing, received, ahead)
        with tracing.continued(message.headers):  # believed no earlier than the message itself
            self._act(decision, message.subject, received)
        if self._gaps.shows(message.subject, message.headers):
            _log.info("jobs.gap", subject=message.subject)
            self._on_gap()

    def _act(self, decision: intake.Decision, subject: str, received: datetime) -> None:
        match decision:
            case Run():
                self._worker.accept(decision, received)
            case Answer():
                self._worker.answer(decision, received)
                if decision.code == intake.CLOCK_SKEW:
                    self._on_gap()
            case Again(job):
                self._worker.remind(job)
            case Drop(reason):
                tell_dropped(reason, subject)
            case Leave():
                pass

    async def _on_drain(self, message: Message) -> None:
        await self._meet(message.data)
        await self._duty.take(message.data)

    async def _on_cancel(self, message: Message) -> None:
        await self._meet(message.data)
        try:
            order = _decode_cancel(envelope.unseal(self._verifier, envelope.CANCEL, message.data))
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError) as problem:
            _log.warning("security.cancel_refused", subject=message.subject, error=str(problem))
            return
        _log.info("job.cancel", job_id=order.job_id, actor=order.actor.subject)
        self._worker.cancel(order.job_id)
