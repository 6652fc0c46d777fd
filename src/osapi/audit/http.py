"""The audit routes: list, get, export, and the chain as it is stored.

Whoever has `audit:read` for some hosts only sees what he asked himself: an entry may concern any host.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec

from osapi.audit import api, ids, story
from osapi.audit.api import AuditEntry, AuditFilters
from osapi.audit.block import Row
from osapi.audit.criteria import Criteria
from osapi.audit.service import AuditService
from osapi.contract.endpoint import Call, Caller, Download, Reply, Routes
from osapi.contract.errors import Forbidden, NotFound
from osapi.jobs.filters import cursor

_TOGETHER = 200
"""Entries that are sent as one piece of an export."""
_encode = msgspec.json.Encoder().encode


class AuditRoutes:
    """Serves the audit. `rotations` gives the chain of the controller's keys, as `pki.rotations` encodes it."""

    def __init__(self, audit: AuditService, rotations: Callable[[], bytes]) -> None:
        self._audit = audit
        self._rotations = rotations

    async def list(self, call: Call) -> Reply:
        request: api.AuditListRequest = call.request
        await self._audit.fresh()
        total, rows = await self._audit.index.page(
            criteria(request, call.caller),
            limit=request.limit + 1,
            offset=request.offset,
            before=cursor(request.cursor),
        )
        more = len(rows) > request.limit
        del rows[request.limit :]
        items = [story.told(one) for one in await self._audit.tell(rows)]
        following = str(rows[-1].place) if more else None
        return Reply(body=api.ListAuditResponse(total_items=total, items=items, next_cursor=following))

    async def get(self, call: Call) -> Reply:
        request: api.AuditRequest = call.request
        await self._audit.fresh()
        row = self._audit.index.find(ids.compact(request.id))
        found = await self._audit.tell([row]) if row is not None else []
        if not found:
            raise NotFound(f"audit entry {request.id} does not exist; `osapi client audit list` shows those there are")
        entry = story.told(found[0])
        if not call.caller.reaches({}) and entry.user != call.caller.subject:
            raise Forbidden("your roles reach some hosts only, and this entry is not of your own requests")
        return Reply(body=api.AuditEntryResponse(entry=entry))

    async def export(self, call: Call) -> Reply:
        """Answers as one object that is never whole in memory, or with a line for each entry."""
        entries = self._entries(criteria(call.request, call.caller))
        if api.JSON_LINES in call.headers.get("accept", ""):
            return Reply(file=Download(content=_lines(entries), length=None, media=api.JSON_LINES))
        return Reply(file=Download(content=_object(entries), length=None, media="application/json"))

    async def chain(self, call: Call) -> Reply:
        if not call.caller.reaches({}):
            raise Forbidden("your roles reach some hosts only; the chain holds the requests of all")
        return Reply(file=Download(content=self._chain(), length=None, media=api.JSON_LINES))

    async def _entries(self, wanted: Criteria) -> AsyncGenerator[AuditEntry]:
        await self._audit.fresh()
        first, last = await self._audit.stream.span()
        through = self._audit.stream.through(first, last)
        async for one in story.stories(through, self._audit.verifier):
            entry = story.told(one)
            if wanted.accepts(_row(entry)):
                yield entry

    async def _chain(self) -> AsyncGenerator[bytes]:
        keeps = self._audit.keeps
        await self._audit.fresh()
        start = api.ChainStart(
            public_key=self._audit.signer.public_key.to_pem().decode(),
            rotations=msgspec.Raw(self._rotations()),
            keeps_s=keeps.total_seconds() if keeps else 0,
        )
        head = self._audit.head()
        first, last = await self._audit.stream.span()
        yield _encode(start) + b"\n"
        async for sequence, message in self._audit.stream.through(first, last):
            yield _message(sequence, message)
        yield _message(*head, head=True)


def criteria(request: AuditFilters, caller: Caller) -> Criteria:
    """What a request asks for, within what the caller may see. An operation is named, or meant by its operationId."""
    by_name = request.operation is not None and "." in request.operation
    equal: dict[str, Any] = {
        "user": request.user,
        "method": request.method.upper() if request.method else None,
        "operation" if by_name else "operation_id": request.operation,
        "status": request.status,
        "kind": request.kind.value if request.kind else None,
    }
    if not caller.reaches({}):
        if request.user not in (None, caller.subject):
            raise Forbidden("your roles reach some hosts only, so you see your own requests alone")
        equal["user"] = caller.subject
    return Criteria(
        equal={name: value for name, value in equal.items() if value is not None},
        path=request.path,
        job=ids.compact(request.job_id) if request.job_id else None,
        source_ip=request.source_ip,
        since=request.since.timestamp() if request.since else None,
        until=request.until.timestamp() if request.until else None,
    )


def routes(audit: AuditService, rotations: Callable[[], bytes]) -> Routes:
    """Every audit route with its handler."""
    serve = AuditRoutes(audit, rotations)
    return [(api.LIST, serve.list), (api.EXPORT, serve.export), (api.CHAIN, serve.chain), (api.GET, serve.get)]


def _row(entry: AuditEntry) -> Row:
    """What filters look at."""
    return Row(
        id=b"",
        place=0,
        time=entry.timestamp.timestamp(),
        kind=entry.kind.value,
        user=entry.user,
        method=entry.method,
        path=entry.path,
        operation_id=entry.operation_id,
        operation=entry.operation,
        status=entry.response_code,
        job=ids.compact(entry.job_id),
        source_ip=entry.source_ip,
    )


async def _lines(entries: AsyncGenerator[AuditEntry]) -> AsyncGenerator[bytes]:
    async for together, _ in _together(entries):
        yield b"".join(_encode(entry) + b"\n" for entry in together)


async def _object(entries: AsyncGenerator[AuditEntry]) -> AsyncGenerator[bytes]:
    """One object, with the number of entries at its end, where it is known."""
    total = 0
    yield b'{"items":['
    async for together, before in _together(entries):
        yield (b"," if before else b"") + b",".join(_encode(entry) for entry in together)
        total = before + len(together)
    yield b'],"total_items":%d}' % total


async def _together(entries: AsyncGenerator[AuditEntry]) -> AsyncGenerator[tuple[list[AuditEntry], int]]:
    """Entries in handy numbers, with how many came before."""
    together: list[AuditEntry] = []
    before = 0
    async for entry in entries:
        together.append(entry)
        if len(together) == _TOGETHER:
            yield together, before
            before += len(together)
            together = []
    if together:
        yield together, before


def _message(sequence: int, message: bytes, *, head: bool = False) -> bytes:
    text = message.decode("utf-8", "replace")
    return _encode(api.ChainMessage(sequence=sequence, message=text, head=head)) + b"\n"
