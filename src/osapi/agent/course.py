"""The course of one job: wait for a turn, note the start, run, and say what came of it.

A modify begins only when the ledger has its row on disk. Whatever stops the job ends here as an outcome;
None means that there is nothing to say, because nothing was done and the job will come again.
"""

from __future__ import annotations

import asyncio

from osapi.agent import execution
from osapi.agent.catalogue import Found
from osapi.agent.execution import Outcome, Waiting
from osapi.agent.failpoints import AFTER_EFFECT, AFTER_STARTED, BEFORE_START
from osapi.agent.held import Held, Stop
from osapi.agent.patience import note_waiting, see_to_its_end
from osapi.agent.slots import Slots, Turn
from osapi.agent.tools import Tools
from osapi.contract.errors import Unavailable
from osapi.contract.operation import Kind
from osapi.host import trial
from osapi.host.trial import Aftermath
from osapi.jobs.record import Ending


async def follow(held: Held, tools: Tools) -> Outcome | None:
    """Take a job from accepted to its outcome. Raises `CancelledError` only if nobody stopped the job."""
    held.begun = True
    try:
        return await _stopped(held, tools) if held.is_stopped else await _in_turn(held, tools)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not held.is_stopped or task is None:
            raise
        task.uncancel()
        if held.waiting is not None and held.stopped is Stop.SHUTDOWN:
            return None  # the next agent sees to its end
        return await _stopped(held, tools)


async def _in_turn(held: Held, tools: Tools) -> Outcome | None:
    job = held.job
    found = tools.catalogue.find(job.operation)
    if found is None:
        text = f"this agent knows no operation {job.operation}; it may be older than the controller"
        return Outcome(Ending.FAILED, error=text, code="unknown_operation")
    if found.operation.kind is not job.kind:
        text = f"{job.operation} is a {found.operation.kind.value}, but the job says {job.kind.value}"
        return Outcome(Ending.REJECTED, error=text, code="invalid")
    if held.waiting is not None:
        return await see_to_its_end(held, found, held.waiting, tools)
    slots = tools.listening_slots if job.followed else tools.slots
    turn = slots.take_now(found.operation.lock) or await _wait_for_turn(held, found, slots, tools)
    if turn is None:
        return _expired("while it waited for its turn")
    with turn:
        outcome = await _begin(held, found, tools)
    if not isinstance(outcome, Waiting):
        return outcome
    await note_waiting(held, outcome, tools)
    return await see_to_its_end(held, found, outcome, tools)


async def _wait_for_turn(held: Held, found: Found, slots: Slots, tools: Tools) -> Turn | None:
    """None when the job expires first."""
    try:
        async with asyncio.timeout((held.job.expires - tools.now()).total_seconds()):
            return await slots.take(held.job.kind, found.operation.lock)
    except TimeoutError:
        return None


async def _begin(held: Held, found: Found, tools: Tools) -> Outcome | Waiting | None:
    job, now = held.job, tools.now()
    if now >= job.expires:
        return _expired("while it waited for its turn")
    tools.fail_points.reach(BEFORE_START)
    if job.kind is Kind.MODIFY:
        payload = held.payload if found.operation.idempotent else None
        try:
            if not await tools.ledger.begin(job.id, held.received, now, job.expires, payload):
                return None
        except Unavailable as problem:
            return Outcome(Ending.FAILED, error=f"nothing was done: {problem.message}", code=problem.error_code)
    held.started = now
    held.progress.began(now)
    tools.fail_points.reach(AFTER_STARTED)
    outcome = await execution.execute(found, job, tools.host, tools.open_secrets, held.live, held.keeping)
    tools.fail_points.reach(AFTER_EFFECT)
    return outcome


async def _stopped(held: Held, tools: Tools) -> Outcome | None:
    if held.started is None:
        if held.stopped is Stop.CANCELLED:
            return Outcome(Ending.CANCELLED, error="cancelled before it began", code="cancelled")
        return _released(held)
    aftermath = await trial.aftermath(tools.host, held.job.id)
    if held.stopped is Stop.CANCELLED:
        known = aftermath or Aftermath("cancelled", "what it had done by then was not undone")
        return Outcome(Ending.CANCELLED, error=f"cancelled while it ran; {known.told}", code=known.code)
    text = "the agent was stopped while the job ran"
    if aftermath is not None:
        return Outcome(Ending.FAILED, error=f"{text}; {aftermath.told}", code=aftermath.code)
    return Outcome(Ending.INTERRUPTED, error=text, code="interrupted")


def _released(held: Held) -> Outcome | None:
    """A job that had not begun at shutdown comes again after the start, unless it was a query that we took."""
    if held.claimed and held.job.kind is Kind.QUERY:
        return Outcome(Ending.REJECTED, error="the agent was stopped before the job began", code="stopped")
    return None


def _expired(when: str) -> Outcome:
    return Outcome(Ending.EXPIRED, error=f"the job expired {when}", code="expired")
