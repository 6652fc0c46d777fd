"""Runs one job through its provider and tells how it ended. The border at which no exception goes on.

Cancellation does go on: it stops the provider, and through `host.run` the whole process group.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from osapi.agent import requests
from osapi.agent.bounds import bounded
from osapi.agent.catalogue import Found
from osapi.contract.errors import DeadlineExceeded, OsapiError, Unsupported
from osapi.contract.operation import Change, Later
from osapi.host.door import Host, Keep, Live, Task
from osapi.host.taking import LONGEST_S
from osapi.jobs.record import Ending, Job
from osapi.telemetry.log import get_logger

GRACE_S = LONGEST_S + 0.5
"""How much longer than the deadline a provider may take to stop by itself and tell what it has so far."""
_NULL = msgspec.Raw(b"null")

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Outcome(msgspec.Struct, frozen=True):
    """How a job ended and what came of it; fields as in `jobs.record.Response`."""

    ending: Ending
    data: msgspec.Raw = _NULL
    changed: bool | None = None
    error: str | None = None
    code: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """The work is under way and ends later, at `until` at the latest; `note` is for whoever sees to its end."""

    note: dict[str, Any]
    until: datetime


async def execute(
    found: Found,
    job: Job,
    host: Host,
    live: Live | None = None,
    keep: Keep | None = None,
    *,
    waiting: Waiting | None = None,
) -> Outcome | Waiting:
    """Run the job now, within its deadline; or, if it was `waiting`, see to its end.

    `live` takes what it gives out meanwhile, `keep` what is kept whole.
    """
    view = host.for_task(Task(job_id=job.id, operation=job.operation, check_mode=job.dry_run, live=live, keep=keep))
    limit = asyncio.timeout(job.deadline_s + GRACE_S)
    try:
        async with limit:
            request = await requests.read(found.operation, job.request, host)
            if waiting is None:
                result = await found.call(view)(request)
            else:
                result = await found.later(view)(request, waiting.note)
    except Later as later:
        return Waiting(later.note, later.until)
    except DeadlineExceeded as problem:
        return _out_of_time(problem.message, problem.details)
    except Unsupported as problem:
        return Outcome(Ending.SKIPPED, error=problem.message, code=problem.error_code)
    except OsapiError as problem:
        return Outcome(Ending.FAILED, error=problem.message, code=problem.error_code)
    except Exception as problem:  # noqa: BLE001 - the border of a job
        if isinstance(problem, TimeoutError) and limit.expired():
            return _out_of_time(f"the operation did not end within {job.deadline_s:g} s and was stopped", None)
        _log.exception("job.crashed", problem, job_id=job.id, operation=job.operation)
        return Outcome(Ending.FAILED, error=f"internal error: {type(problem).__name__}: {problem}", code="internal")
    return _completed(result)


def _completed(result: Any) -> Outcome:
    changed = result.changed if isinstance(result, Change) else None
    encoded = _encode(result)
    data = bounded(encoded)
    if data is None:
        text = f"the work is done, but its result of {len(encoded)} bytes is too large to be sent"
        return Outcome(Ending.FAILED, changed=changed, error=text, code="too_large")
    return Outcome(Ending.COMPLETED, data=msgspec.Raw(data), changed=changed)


def _out_of_time(message: str, details: dict[str, Any] | None) -> Outcome:
    partial = None if details is None else bounded(_encode(details))
    data = _NULL if partial is None else msgspec.Raw(partial)
    return Outcome(Ending.TIMEOUT, data=data, error=message, code=DeadlineExceeded.code)
