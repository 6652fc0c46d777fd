"""Every job in hand. One task per job, so that stopping a job is cancelling its task, wherever it stands.

When a job is over, its ledger row and its answer are written side by side. That is safe: if the agent
dies between the two, it will report the job as interrupted, and an answer that is stored already is never
replaced (see `reporter`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec

from osapi.agent import course
from osapi.agent.execution import Outcome, Waiting
from osapi.agent.held import Held, Stop
from osapi.agent.intake import Answer, Run, Standing
from osapi.agent.ledger import Row, State
from osapi.agent.progress import Progress
from osapi.agent.reporter import QUERY_PATIENCE
from osapi.agent.tasks import Tasks
from osapi.agent.tools import Tools
from osapi.contract.errors import Unavailable
from osapi.contract.ids import JobId
from osapi.contract.operation import Kind
from osapi.host import trial
from osapi.host.trial import Aftermath
from osapi.jobs.record import Ending, Job, Response
from osapi.telemetry.log import get_logger

REPORT_S = 2.0
"""How long a stopping agent waits for the broker to store its last answers; the rest is in the ledger."""

_LONGEST_ERROR = 4096
"""Characters of an error text; some are as long as what a program said."""

_decode_waiting = msgspec.json.Decoder(Waiting).decode
_decode_job = msgspec.json.Decoder(Job).decode
_decode_response = msgspec.json.Decoder(Response).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Worker:
    """Runs, stops and answers jobs. `on_idle` is called when the last job in hand has ended."""

    def __init__(self, tools: Tools, on_idle: Callable[[], None] = lambda: None) -> None:
        self._tools = tools
        self._on_idle = on_idle
        self._held: dict[JobId, Held] = {}
        self._tasks = Tasks()

    @property
    def holding(self) -> tuple[JobId, ...]:
        """The jobs in hand."""
        return tuple(self._held)

    def standing(self, job: JobId) -> Standing:
        """What is known of a job from memory. The ledger may know more; a modify asks it before it begins."""
        return Standing.IN_HAND if job in self._held else self._tools.memory.standing(job)

    def accept(
        self, run: Run, received: datetime, *, claimed: bool = False, begun: tuple[datetime, Waiting] | None = None
    ) -> None:
        """Take a job in hand. `begun` says when an earlier agent began it, and for what it waits. Returns at once."""
        job, note = run.job, self._tools.reporter.note
        progress = Progress(lambda event, when: note(job.id, event, when), received)
        live = self._tools.outlet.live(job)
        keeping = self._tools.outlet.keeping(job)
        held = self._held[job.id] = Held(job, run.payload, received, claimed, progress, live, keeping)
        if begun is not None:
            held.started, held.waiting = begun
            progress.began(begun[0])
        if self._tools.memory.standing(job.id) is Standing.CANCELLED:
            held.stop(Stop.CANCELLED)
        held.task = self._tasks.start(self._carry(held), f"job {job.id}")

    def answer(self, answer: Answer, received: datetime) -> None:
        """Answer a job that is not run. Returns at once."""
        outcome = Outcome(answer.ending, error=answer.error, code=answer.code)
        response = self._response(answer.job.id, received, None, outcome)
        self._tools.memory.finished(answer.job.id, answer.job.expires, self._tools.now())
        self._tasks.start(self._conclude(answer.job, response), f"answer {answer.job.id}")

    def remind(self, job: Job) -> None:
        """Somebody sent a job again: say that it is in hand, or again what its answer was. Returns at once."""
        held = self._held.get(job.id)
        if held is not None:
            held.progress.tell()
        elif job.kind is Kind.MODIFY:
            self._tasks.start(self._repeat(job.id), f"repeat {job.id}")

    def cancel(self, job: JobId) -> None:
        """Stop a job, or see to it that it never begins. Returns at once."""
        held = self._held.get(job)
        if held is None:
            self._tools.memory.cancelled(job, self._tools.now())
        else:
            held.stop(Stop.CANCELLED)

    async def recover(self) -> None:
        """Take up what an earlier run of the agent left: claimed, interrupted and unreported jobs."""
        now = self._tools.now()
        for row in await self._tools.ledger.unreported():
            self._tools.memory.finished(row.job, max(row.expires, now), now)
            self._take_up(row, await trial.aftermath(self._tools.host, row.job))

    async def drain(self, deadline_s: float) -> None:
        """Finish what is in hand. What is not finished by then is stopped and, if it had begun, interrupted.

        What nobody will listen to, or the next agent sees to, is not waited for.
        """
        for held in list(self._held.values()):
            if held.can_be_left:
                held.stop(Stop.SHUTDOWN)
        waiting = [asyncio.ensure_future(held.over.wait()) for held in self._held.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=deadline_s)
            for each in late:
                each.cancel()
        for held in list(self._held.values()):
            held.stop(Stop.SHUTDOWN)
        await self._tasks.settle(REPORT_S)
        await self._tasks.cancel()

    async def _carry(self, held: Held) -> None:
        job, tools = held.job, self._tools
        try:
            outcome = await course.follow(held, tools)
            held.over.set()
            held.progress.close()
            if outcome is not None:
                tools.memory.finished(job.id, job.expires, tools.now())
                if outcome.changed:
                    await tools.nameplate.read()
                outputs = await held.live.close()
                kept = held.keeping.kept if held.keeping else []
                response = self._response(job.id, held.received, held.started, outcome)
                await self._conclude(job, msgspec.structs.replace(response, outputs=outputs, kept=tuple(kept)))
        finally:
            held.progress.close()
            held.live.drop()
            del self._held[job.id]
            if not self._held:
                self._on_idle()
        if outcome is None and held.stopped is None:
            await self._repeat(job.id)

    async def _conclude(self, job: Job, response: Response) -> None:
        if job.kind is Kind.QUERY:
            _log.debug("job.ended", operation=job.operation, **_summary(response))
            await self._tools.reporter.publish(response, QUERY_PATIENCE)
        else:
            await self._settle(response, job.expires)

    async def _settle(self, response: Response, expires: datetime) -> None:
        await asyncio.gather(self._publish(response), self._write(response, expires))

    async def _publish(self, response: Response) -> None:
        await self._tools.reporter.publish(response)
        self._tools.ledger.reported(response.job_id)

    async def _write(self, response: Response, expires: datetime) -> None:
        try:
            await self._tools.ledger.finish(response.job_id, response.received, expires, _encode(response))
        except Unavailable as problem:
            _log.error("ledger.refused", job_id=response.job_id, error=problem.message)
        _log.info("job.ended", **_summary(response))

    async def _repeat(self, job: JobId) -> None:
        answer = await self._tools.ledger.response(job)
        if answer is not None:
            await self._publish(_decode_response(answer))

    def _take_up(self, row: Row, aftermath: Aftermath | None) -> None:
        if row.response is not None:
            self._tasks.start(self._publish(_decode_response(row.response)), f"report {row.job}")
        elif row.payload is not None and row.waiting is not None and row.started is not None:
            self._resume(row, row.payload, row.started, row.waiting)
        elif row.payload is not None and self._tools.now() < row.expires:
            job = _decode_job(row.payload)
            _log.info("job.taken_up", job_id=job.id, operation=job.operation)
            self.accept(Run(job, row.payload), row.received, claimed=True)
        else:
            outcome = _lost(row, aftermath)
            response = self._response(row.job, row.received, row.started, outcome)
            self._tasks.start(self._settle(response, row.expires), f"give up {row.job}")

    def _resume(self, row: Row, payload: bytes, started: datetime, waiting: bytes) -> None:
        job = _decode_job(payload)
        _log.info("job.resumed", job_id=job.id, operation=job.operation)
        self.accept(Run(job, payload), row.received, claimed=True, begun=(started, _decode_waiting(waiting)))

    def _response(self, job: JobId, received: datetime, started: datetime | None, outcome: Outcome) -> Response:
        return Response(
            job_id=job,
            machine_id=self._tools.machine,
            hostname=self._tools.nameplate.hostname,
            ending=outcome.ending,
            data=outcome.data,
            changed=outcome.changed,
            error=None if outcome.error is None else outcome.error[:_LONGEST_ERROR],
            code=outcome.code,
            received=received,
            started=started,
            finished=self._tools.now(),
        )


def _lost(row: Row, aftermath: Aftermath | None) -> Outcome:
    """The end of a job that nobody saw. `aftermath` is what the host still knows of it."""
    if row.state is State.CLAIMED:
        return Outcome(Ending.EXPIRED, error="the job expired while the agent was away", code="expired")
    if aftermath is not None:
        text = f"the agent ended while the job ran; {aftermath.told}"
        return Outcome(Ending.FAILED, error=text, code=aftermath.code)
    text = "the agent ended while the job ran; how far it came is unknown, and it is not run again"
    return Outcome(Ending.INTERRUPTED, error=text, code="interrupted")


def _summary(response: Response) -> dict[str, object]:
    took = response.finished - (response.started or response.finished)
    return {
        "job_id": response.job_id,
        "ending": response.ending.value,
        "changed": response.changed,
        "duration_s": round(took.total_seconds(), 6),
        "error": response.error,
    }
