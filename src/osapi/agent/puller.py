"""Takes jobs for anybody from the queue that the whole fleet shares, one at a time, while a slot is free.

A job is run only after it has been claimed (see `claims`), and acknowledged only then. Whoever has no
free slot, or is drained, leaves the line, so that no job waits behind a busy agent while another is idle; whoever finds
a job that is not for him gives it back and stays away for a while, so that it finds somebody else.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from osapi.agent import intake
from osapi.agent.dropping import tell_dropped
from osapi.agent.duty import Duty
from osapi.agent.intake import Again, Answer, Arrival, Drop, Identity, Leave, Run
from osapi.agent.tasks import Tasks
from osapi.agent.tools import Tools
from osapi.agent.trust import nobody_new
from osapi.agent.worker import Worker
from osapi.contract.errors import OsapiError, Unavailable
from osapi.contract.operation import Kind
from osapi.jobs import envelope
from osapi.pki.signing import Verifier
from osapi.telemetry import tracing
from osapi.telemetry.log import get_logger
from osapi.transport.queue import Delivery, PullQueue

PULL_S = 30.0
CLAIM_S = 5.0
"""How long a stopping agent waits for the claim of a job it has been handed."""
_LEAVE_S = 0.05
_TROUBLE_S = 1.0

_log = get_logger(__name__)


class Puller:
    """This agent's place at the shared queue. `meet` is shown every message before it is judged."""

    def __init__(
        self,
        me: Identity,
        verifier: Verifier,
        worker: Worker,
        tools: Tools,
        duty: Duty,
        meet: Callable[[bytes], Awaitable[None]] = nobody_new,
    ) -> None:
        self._me = me
        self._meet = meet
        self._duty = duty
        self._unseal = functools.partial(envelope.unseal, verifier, envelope.JOB)
        self._worker = worker
        self._tools = tools
        self._pulling = Tasks()
        self._claiming = Tasks()
        self._pause_s = 0.0

    def start(self, queue: PullQueue) -> None:
        """Take part from now on."""
        self._pulling.start(self._pull(queue), "pull")

    async def stop(self) -> None:
        """Take nothing more; a claim that has begun is brought to its end. A second call changes nothing."""
        await self._pulling.cancel()
        await self._claiming.settle(CLAIM_S)

    async def _pull(self, queue: PullQueue) -> None:
        while True:
            await self._duty.wait_on()
            await self._tools.slots.wait_free()
            try:
                delivery = await self._next(queue)
            except OsapiError as problem:
                _log.warning("queue.unusable", error=problem.message)
                await asyncio.sleep(_TROUBLE_S)
                continue
            if delivery is not None:
                await asyncio.wait([self._claiming.start(self._consider(delivery), "claim")])
                await asyncio.sleep(self._pause_s)

    async def _next(self, queue: PullQueue) -> Delivery | None:
        """The next job, or None: when none came, or when we leave the line, drained or with all slots taken."""
        fetching = asyncio.ensure_future(queue.fetch(PULL_S))
        leaving = [asyncio.ensure_future(wait()) for wait in (self._tools.slots.wait_full, self._duty.wait_off)]
        try:
            await asyncio.wait((fetching, *leaving), return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                return fetching.result()
            fetching.cancel()
            await asyncio.sleep(_LEAVE_S)  # what is on its way to us is given back meanwhile
            await queue.close()
            return None
        finally:
            for each in (fetching, *leaving):
                each.cancel()

    async def _consider(self, delivery: Delivery) -> None:
        self._pause_s = 0.0
        try:
            await self._decide(delivery)
        except OsapiError as problem:
            _log.warning("queue.claim_failed", subject=delivery.subject, error=problem.message)

    async def _decide(self, delivery: Delivery) -> None:
        await self._meet(delivery.data)
        received = self._tools.now()
        arrival = Arrival(delivery.subject, delivery.data, delivery.delivered_count)
        ahead = self._tools.skew.ahead(received)
        decision = intake.decide(arrival, self._me, self._unseal, self._worker.standing, received, ahead)
        match decision:
            case Drop(reason):
                tell_dropped(reason, delivery.subject)
                await delivery.term(reason.value)
            case Leave(job, why, pause_s):
                _log.info("job.left", job_id=job.id, error=why)
                self._pause_s = pause_s
                await delivery.nak()
            case Run() if self._duty.is_drained:
                await delivery.nak()
            case Run(job):
                if await self._tools.claims.take(job, received):
                    await self._note_claim(decision)
                    with tracing.continued(delivery.headers):
                        self._worker.accept(decision, received, claimed=True)
                await delivery.ack_sync()
            case Answer(job):
                if await self._tools.claims.take(job, received):
                    self._worker.answer(decision, received)
                await delivery.ack_sync()
            case Again():
                await delivery.ack_sync()

    async def _note_claim(self, run: Run) -> None:
        """Keep a claimed modify over a restart. Should the disk refuse, the worker will find out, too."""
        if run.job.kind is Kind.MODIFY:
            try:
                await self._tools.ledger.claim(run.job.id, self._tools.now(), run.job.expires, run.payload)
            except Unavailable as problem:
                _log.error("ledger.refused", job_id=run.job.id, error=problem.message)
