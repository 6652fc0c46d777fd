"""Work that goes on by itself and ends later, perhaps after this agent: see `contract.operation.Later`."""

from __future__ import annotations

import asyncio

import msgspec

from osapi.agent import execution
from osapi.agent.catalogue import Found
from osapi.agent.execution import Outcome, Waiting
from osapi.agent.held import Held
from osapi.agent.tools import Tools
from osapi.contract.errors import DeadlineExceeded, Unavailable
from osapi.jobs.record import Ending
from osapi.telemetry.log import get_logger

ASK_AGAIN_S = 1.0
"""Pause between two questions whether the work has ended."""

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


async def note_waiting(held: Held, waiting: Waiting, tools: Tools) -> None:
    """Note that the work goes on. When the disk refuses, a restart will make it `interrupted`."""
    held.waiting = waiting
    try:
        await tools.ledger.wait(held.job.id, held.payload, _encode(waiting))
    except Unavailable as problem:
        _log.error("ledger.refused", job_id=held.job.id, error=problem.message)


async def see_to_its_end(held: Held, found: Found, waiting: Waiting, tools: Tools) -> Outcome:
    """Ask until the work has ended, or its time is over."""
    while True:
        outcome = await execution.execute(found, held.job, tools.host, tools.open_secrets, held.live, waiting=waiting)
        if isinstance(outcome, Outcome):
            return outcome
        if tools.now() >= waiting.until:
            text = f"the work had not come to its end at {waiting.until:%Y-%m-%dT%H:%M:%SZ}, when its time was over"
            return Outcome(Ending.TIMEOUT, error=text, code=DeadlineExceeded.code)
        await asyncio.sleep(ASK_AGAIN_S)
