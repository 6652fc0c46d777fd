"""Which jobs a list request means."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Invalid
from osapi.jobs.api import JobListRequest
from osapi.jobs.entry import JobEntry
from osapi.jobs.index import Filter


@dataclass(frozen=True)
class Criteria:
    """The filters of a list request; None matches everything. Times are seconds since the epoch."""

    request: JobListRequest
    since: float | None
    until: float | None

    def accepts(self, entry: JobEntry) -> bool:
        """Whether the job fulfils every filter."""
        request = self.request
        return (
            (request.status is None or entry.status is request.status)
            and (request.operation is None or entry.operation == request.operation)
            and (request.target is None or entry.target == request.target)
            and (request.actor is None or entry.actor == request.actor)
            and (self.since is None or entry.created >= self.since)
            and (self.until is None or entry.created < self.until)
        )


def of(request: JobListRequest) -> Filter | None:
    """One test for all filters of a request; None when it has none, so that nothing need be tested."""
    filters = (request.status, request.operation, request.target, request.actor, request.since, request.until)
    if all(value is None for value in filters):
        return None
    return Criteria(
        request,
        since=request.since.timestamp() if request.since else None,
        until=request.until.timestamp() if request.until else None,
    ).accepts


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """Join two filters of which either may be absent."""
    if one is None or other is None:
        return one or other
    return lambda entry: one(entry) and other(entry)


def cursor(text: str | None) -> int | None:
    """Read a cursor: the revision of the last job of the page before. Raises `Invalid`."""
    if text is None:
        return None
    if not text.isdigit():
        raise Invalid(f"cursor {text!r} was not given out by this API; use next_cursor of the page before")
    return int(text)
