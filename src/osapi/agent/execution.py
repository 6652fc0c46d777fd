"""Runs one job through its provider and tells how it ended. The border at which no exception goes on.

Cancellation does go on: it stops the provider, and through `host.run` the whole process group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from osapi.agent import requests
from osapi.agent.bounds import bounded
from osapi.agent.catalogue import Found
from osapi.agent.redaction import Redactor, redacted
from osapi.contract.errors import DeadlineExceeded, OsapiError, Unsupported
from osapi.contract.operation import Change, Later
from osapi.host.door import Host, Keep, Live, Task
from osapi.host.taking import LONGEST_S
from osapi.jobs.record import Ending, Job
from osapi.telemetry import tracing
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


OpenSecrets = Callable[[Job], dict[str, str]]
"""The secrets of a job by their place. Raises `Invalid` when they were not sealed to this agent."""


async def execute(
    found: Found,
    job: Job,
    host: Host,
    open_secrets: OpenSecrets,
    live: Live | None = None,
    keep: Keep | None = None,
    *,
    waiting: Waiting | None = None,
) -> Outcome | Waiting:
    """Run the job now, within its deadline; or, if it was `waiting`, see to its end.

    `live` takes what it gives out meanwhile, `keep` what is kept whole. Nothing of its secrets is in any of it.
    """
    try:
        secrets = open_secrets(job)
    except OsapiError as problem:
        return Outcome(Ending.FAILED, error=problem.message, code=problem.error_code)
    redactor = Redactor(secrets.values())
    with redacted(redactor, live, keep) as (live, keep):
        task = Task(job_id=job.id, operation=job.operation, check_mode=job.dry_run, live=live, keep=keep)
        came = await _run(found, job, host.for_task(task), secrets, waiting)
    return came if isinstance(came, Waiting) else _fitted(came, redactor)


async def _run(
    found: Found, job: Job, view: Host, secrets: dict[str, str], waiting: Waiting | None
) -> Outcome | Waiting:
    limit = asyncio.timeout(job.deadline_s + GRACE_S)
    try:
        async with limit:
            with tracing.span(job.operation):
                request = await requests.read(found.operation, job.request, secrets, view)
                try:
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
        return _crashed(problem, job)
    changed = result.changed if isinstance(result, Change) else None
    return Outcome(Ending.COMPLETED, data=msgspec.Raw(_encode(result)), changed=changed)


def _out_of_time(message: str, details: dict[str, Any] | None) -> Outcome:
    data = _NULL if details is None else msgspec.Raw(_encode(details))
    return Outcome(Ending.TIMEOUT, data=data, error=message, code=DeadlineExceeded.code)


def _crashed(problem: Exception, job: Job) -> Outcome:
    """The log gets the traceback, unless it might hold a secret."""
    if job.secrets is None:
        _log.exception("job.crashed", problem, job_id=job.id, operation=job.operation)
    else:
        _log.error("job.crashed", job_id=job.id, operation=job.operation, error=type(problem).__name__)
    return Outcome(Ending.FAILED, error=f"internal error: {type(problem).__name__}: {problem}", code="internal")


def _fitted(outcome: Outcome, redactor: Redactor) -> Outcome:
    """The outcome as it can be told: without secrets, and no longer than the broker takes."""
    whole = bytes(redactor.json(outcome.data))
    data = bounded(whole)
    if data is None and outcome.ending is Ending.COMPLETED:
        text = f"the work is done, but its result of {len(whole)} bytes is too large to be sent"
        return Outcome(Ending.FAILED, changed=outcome.changed, error=text, code="too_large")
    error = None if outcome.error is None else redactor.text(outcome.error)
    return msgspec.structs.replace(outcome, data=_NULL if data is None else msgspec.Raw(data), error=error)
