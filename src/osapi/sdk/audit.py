"""The audit of a controller through the synchronous client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from osapi.audit.api import AuditEntry, AuditEntryResponse, ListAuditResponse
from osapi.audit.kind import Kind
from osapi.sdk import calls, lines
from osapi.sdk.errors import BadAnswer
from osapi.sdk.raw import RawClient
from osapi.sdk.wire import decode

if TYPE_CHECKING:
    from osapi.sdk.verification import Known, Verdict


def audit_filters(
    *,
    user: str | None = None,
    method: str | None = None,
    path: str | None = None,
    operation: str | None = None,
    status: int | None = None,
    kind: Kind | str | None = None,
    job_id: str | None = None,
    source_ip: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """The query of a list or an export. Raises `ValueError` for times without a zone."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name}: {moment} has no time zone; use for example datetime.now(UTC)")
    return {
        "user": user,
        "method": method,
        "path": path,
        "operation": operation,
        "status": status,
        "kind": kind.value if isinstance(kind, Kind) else kind,
        "job_id": job_id,
        "source_ip": source_ip,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }


def read_entry(line: bytes) -> AuditEntry:
    """One line of an export. Raises `BadAnswer`."""
    try:
        return msgspec.json.decode(line, type=AuditEntry)
    except msgspec.DecodeError as problem:
        raise BadAnswer(f"an entry has another shape than this version of the SDK knows: {problem}") from problem


class Audit:
    """Who asked for what, and what came of it. Needs the permission `audit:read`."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def list(
        self, *, limit: int | None = None, offset: int | None = None, cursor: str | None = None, **filters: Any
    ) -> ListAuditResponse:
        """One page of entries, newest first; filters as in `audit_filters`, those that are left out match everything.

        `since` is included and `until` is not. `cursor` is `next_cursor` of the page before and replaces
        `offset`.
        """
        request = calls.audit_list(**audit_filters(**filters), limit=limit, offset=offset, cursor=cursor)
        answer: ListAuditResponse = decode(self._raw.send(request), ListAuditResponse)
        return answer

    def iterate(self, *, page_size: int = 100, **filters: Any) -> Iterator[AuditEntry]:
        """Every entry that matches, newest first, one page at a time."""
        cursor = None
        while True:
            page = self.list(limit=page_size, cursor=cursor, **filters)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def get(self, entry_id: str) -> AuditEntry:
        """One entry. Raises `NotFound`."""
        answer: AuditEntryResponse = decode(self._raw.send(calls.audit_get(entry_id)), AuditEntryResponse)
        return answer.entry

    def export(self, **filters: Any) -> Iterator[AuditEntry]:
        """Every entry that the stream holds, in the order in which they were complete; a few are in memory at a time.

        Filters as in `list`. Raises `Unreachable` when the answer breaks off.
        """
        blocks = self._raw.stream(calls.audit_export(**audit_filters(**filters)))
        return (read_entry(line) for line in lines.of_blocks(blocks))

    def verify(self, *, public_key: bytes | None = None, known: Iterable[Known] = ()) -> Verdict:
        """Read the whole chain and say where it breaks.

        `public_key` is the controller's in PEM; None takes the one that the controller tells, so that only its
        fingerprint in the verdict says whose chain it is. `known` are heads of earlier verdicts, which must still be
        there. Raises `BadAnswer` when the answer ends too early, `ValueError` for a key that is none.
        """
        from osapi.sdk.verification import ChainReader

        reader = ChainReader(public_key, known)
        for line in lines.of_blocks(self._raw.stream(calls.audit_chain())):
            reader.take(line)
        return reader.verdict()
