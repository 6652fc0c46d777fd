"""The trail of one request, from its first line to its outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

import msgspec

from osapi.audit import record
from osapi.audit.ids import EntryIds
from osapi.audit.kind import Kind
from osapi.audit.open_jobs import OpenJobs
from osapi.audit.question import Bearer, Question
from osapi.audit.record import NOTHING, Addition, Entry, Job, Outcome, Record
from osapi.audit.refusals import Refusals
from osapi.contract.masking import masked
from osapi.contract.trail import Errand, HostCounts

TURNED_AWAY = frozenset({401, 403, 429})
MOST_NAMES = 50
"""Hosts that are named; how many there are is always told."""
_LONGEST_REQUEST = 16 * 1024
_LONGEST_PATH = 2048
_LONGEST_NAME = 256
_MOST_ROLES = 32


class Pen(Protocol):
    """What is needed of `Journal`."""

    async def keep(self, entry: Record, /) -> None: ...

    def note(self, entry: Record, /) -> None: ...


@dataclass(frozen=True)
class Desk:
    """What the trails of all requests share. `clock` tells seconds since the epoch."""

    pen: Pen
    refusals: Refusals
    ids: EntryIds
    clock: Callable[[], float]
    jobs: OpenJobs = field(default_factory=OpenJobs)


class RequestTrail:
    """One request. Whoever begins it calls `close` once, when its status is known."""

    __slots__ = (
        "_bearer",
        "_began",
        "_closed",
        "_counts",
        "_desk",
        "_id",
        "_job",
        "_moment",
        "_opened",
        "_question",
        "_request",
    )

    def __init__(self, desk: Desk, question: Question) -> None:
        self._desk = desk
        self._question = question
        self._id = desk.ids.next()
        self._moment = desk.clock()
        self._began = time.perf_counter()
        self._bearer: Bearer | None = None
        self._request = NOTHING
        self._job: Job | None = None
        self._counts: HostCounts | None = None
        self._opened = False
        self._closed = False

    def identified(self, bearer: Bearer) -> None:
        """The token is good, and this is who bears it."""
        self._bearer = bearer

    async def about_to_change(self, request: msgspec.Struct) -> None:
        """See `contract.trail.Trail`."""
        if self._opened:
            await self._desk.pen.keep(Addition(id=self._id, request=_bounded(request)))
        elif self._question.changes:
            self._request = _bounded(request)
            await self._open()

    async def about_to_submit(self, errand: Errand) -> None:
        """See `contract.trail.Trail`."""
        self._job = _job(errand)
        if self._question.changes:
            self._desk.jobs.expect(errand.job_id, self)
        if self._opened:
            await self._desk.pen.keep(Addition(id=self._id, request=_bounded(errand.request), job=self._job))
        elif self._question.changes:
            self._request = _bounded(errand.request)
            await self._open()

    def answered(self, counts: HostCounts) -> None:
        """See `contract.trail.Trail`."""
        self._counts = counts

    def ended(self, counts: HostCounts) -> None:
        """The job is over, be it before or after the request is answered."""
        if self._closed:
            self._desk.pen.note(Addition(id=self._id, states=dict(counts.states), failed=_names(counts.failed)))
        else:
            self._counts = counts

    def close(self, status: int, code: str = "", job_id: str = "") -> None:
        """The request is answered with this status; `code` is that of the error, if it is one."""
        self._closed = True
        outcome = self._outcome(status, code, job_id)
        if self._opened:
            self._desk.pen.note(Addition(id=self._id, outcome=outcome))
            if self._job is not None and not record.goes_on(outcome, has_job=True):
                self._desk.jobs.forget(self._job.job_id)
            return
        kind = Kind.REFUSAL if status in TURNED_AWAY else Kind.CHANGE if self._question.changes else Kind.READ
        entry = self._entry(kind, outcome)
        if kind is Kind.REFUSAL and status != 403:
            self._desk.refusals.note(entry)
        else:
            self._desk.pen.note(entry)

    async def _open(self) -> None:
        # What could not be stored may be stored later, so its outcome is told all the same.
        self._opened = True
        await self._desk.pen.keep(self._entry(Kind.CHANGE, None))

    def _entry(self, kind: Kind, outcome: Outcome | None) -> Entry:
        question, bearer = self._question, self._bearer
        return Entry(
            id=self._id,
            timestamp=datetime.fromtimestamp(self._moment, UTC),
            kind=kind,
            user="" if bearer is None else _short(bearer.subject, _LONGEST_NAME),
            roles=() if bearer is None else tuple(_short(role, _LONGEST_NAME) for role in bearer.roles[:_MOST_ROLES]),
            token_id="" if bearer is None else _short(bearer.token_id, _LONGEST_NAME),
            method=_short(question.method, _LONGEST_NAME),
            path=_short(question.path, _LONGEST_PATH),
            query=_short(question.query, _LONGEST_PATH),
            operation_id=question.operation_id,
            source_ip=question.source_ip,
            request_id=question.request_id,
            trace_id=question.trace_id,
            request=self._request,
            job=self._job,
            outcome=outcome,
        )

    def _outcome(self, status: int, code: str, job_id: str) -> Outcome:
        counts = self._counts
        return Outcome(
            response_code=status,
            duration_ms=round((time.perf_counter() - self._began) * 1000),
            code=code,
            job_id=job_id,
            states={} if counts is None else dict(counts.states),
            failed=() if counts is None else _names(counts.failed),
        )


def _job(errand: Errand) -> Job:
    return Job(
        job_id=errand.job_id,
        operation=errand.operation,
        target=_short(errand.target, _LONGEST_NAME),
        hosts=_names(errand.hosts.values()),
        host_count=len(errand.hosts),
        dry_run=errand.dry_run,
    )


def _bounded(request: msgspec.Struct) -> msgspec.Raw:
    """The request as people may see it; of one that is too long, its length and its digest."""
    text = masked(request)
    if len(text) > _LONGEST_REQUEST:
        text = msgspec.json.encode({"left_out": "too long", "bytes": len(text), "sha256": record.digest(text)})
    return msgspec.Raw(text)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(_short(name, _LONGEST_NAME) for name in islice(names, MOST_NAMES))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
