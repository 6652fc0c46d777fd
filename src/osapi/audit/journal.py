"""Writes the chain: what comes while one message is being stored goes into the next one together.

There is never more than one message of a controller on its way, and each is stored only if it is the stream's next
one, so several controllers write one chain. Whoever must know that a record is stored waits for it (`keep`);
what is only told (`note`) is gathered for a moment and, while the stream cannot be written, kept in memory within bounds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from osapi.audit import record
from osapi.audit.record import Place, Record
from osapi.audit.tail import Tail
from osapi.contract.errors import Conflict, OsapiError, StoreFull, Unavailable
from osapi.pki.signing import Signer
from osapi.telemetry.log import get_logger

LINGER_S = 0.2
"""How long what is only told may wait for company."""
MOST_RECORDS = 256
HELD = 10_000
"""Records kept in memory while the stream cannot be written; beyond that the oldest are given up, and counted."""
_RETRY_S = 1.0
_ATTEMPTS = 16
_READ = 256

_log = get_logger(__name__)


class Chain(Protocol):
    """The stream that holds the chain."""

    @property
    def most_bytes(self) -> int:
        """How long the records of one message may be together. A single record is always shorter."""
        ...

    async def append(self, message: bytes, *, expect_last: int) -> int:
        """Store a message behind the one of that sequence; returns its own. Raises `Conflict` and `Unavailable`."""
        ...

    async def span(self) -> tuple[int, int]: ...

    async def between(self, first: int, last: int) -> Iterable[tuple[int, bytes]]: ...


@dataclass(eq=False)
class _Item:
    content: bytes
    stored: asyncio.Future[None] | None = None
    """Whoever waits; None when nobody does, or when he was told that it failed."""

    def done(self, problem: OsapiError | None = None) -> None:
        waiting, self.stored = self.stored, None
        if waiting is None or waiting.done():
            return
        if problem is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(problem)


@dataclass(frozen=True)
class _Attempt:
    """A message that may or may not have been stored."""

    items: list[_Item]
    place: Place


class Journal:
    """One controller's pen. `run` writes until it is cancelled; `lost` is told how many records were given up.

    `keeps_s` is for how many seconds the stream keeps messages, 0 for ever.
    """

    def __init__(
        self,
        chain: Chain,
        tail: Tail,
        signer: Signer,
        *,
        clock: Callable[[], float],
        lost: Callable[[int], None],
        keeps_s: float = 0,
    ) -> None:
        self._chain = chain
        self._tail = tail
        self._signer = signer
        self._clock = clock
        self._lost = lost
        self._keeps_s = keeps_s
        self._items: deque[_Item] = deque()
        self._given_up = 0
        self._over = False
        self._due = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None
        self._attempts: dict[str, _Attempt] = {}
        self.problem: OsapiError | None = None
        """Why nothing can be stored at present; None when it can."""

    @property
    def waiting(self) -> int:
        """How many records are not stored yet."""
        return len(self._items)

    async def keep(self, entry: Record) -> None:
        """Return when the record is stored.

        Raises `StoreFull` when there is no room and `Unavailable` when it cannot be stored otherwise; it may still
        be stored later.
        """
        if self._over:
            raise _unavailable("the controller is stopping")
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(_Item(record.encode(entry), waiting))
        self._due.set()
        await waiting

    def note(self, entry: Record) -> None:
        """Store the record soon, together with others."""
        self._put(_Item(record.encode(entry)))
        if len(self._items) >= MOST_RECORDS and self.problem is None:
            self._due.set()
        else:
            self._linger()

    async def flush(self, within_s: float) -> None:
        """Return when everything so far is stored, or `within_s` seconds are over."""
        if self._items:
            self._due.set()
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Write what comes. Never returns; when it is ended, nothing can be kept any more."""
        try:
            while True:
                await self._wait()
                self._due.clear()
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                if self._items:
                    await self._write_some()
        finally:
            self._over = True
            self._refuse(Unavailable("nobody writes it any more"))

    def heard(self, sequence: int, message: bytes) -> None:
        """Take in a message that has arrived in the stream, whoever wrote it."""
        if sequence <= self._tail.sequence:
            return
        attempt = self._attempts.pop(record.digest(message), None) if self._attempts else None
        if attempt is None:
            self._tail.take(sequence, message)
        else:
            self._tail.extend(attempt.place)
            self._stored(attempt.items)

    def _linger(self) -> None:
        """Write a moment later; while that fails, the next attempt has its own time."""
        if self._timer is None and self.problem is None and not self._due.is_set():
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._due.set)

    def _put(self, item: _Item) -> None:
        self._idle.clear()
        self._items.append(item)
        while len(self._items) > HELD:
            self._items.popleft().done(_unavailable("there are too many entries waiting to be stored"))
            self._given_up += 1

    async def _wait(self) -> None:
        """Wait until there is something to write; while that fails, no longer than until the next attempt is due."""
        try:
            async with asyncio.timeout(_RETRY_S if self.problem is not None else None):
                await self._due.wait()
        except TimeoutError:
            pass

    async def _write_some(self) -> None:
        items = self._gather()
        more = len(items) < len(self._items)
        if await self._write(items) and (more or len(self._items) >= MOST_RECORDS):
            self._due.set()
        elif self._items:
            self._linger()

    def _gather(self) -> list[_Item]:
        gathered: list[_Item] = []
        size = 0
        for item in self._items:
            size += len(item.content)
            if gathered and (size > self._chain.most_bytes or len(gathered) == MOST_RECORDS):
                break
            gathered.append(item)
        return gathered

    async def _write(self, items: list[_Item]) -> bool:
        """Write one message. Returns whether it was stored; if not, the records wait for the next attempt."""
        message, place = self._seal(items)
        try:
            await self._chain.append(message, expect_last=place.sequence - 1)
        except Conflict:
            if await self._catch_up():
                self._due.set()
            return False
        except OsapiError as problem:
            self._failed(problem)
            return False
        self._attempts.pop(place.digest, None)
        self._tail.extend(place)
        self._stored(items)
        return True

    def _seal(self, items: list[_Item]) -> tuple[bytes, Place]:
        at = datetime.fromtimestamp(self._clock(), UTC)
        sequence = self._tail.sequence + 1
        records = [item.content for item in items]
        message = record.seal(self._signer, self._tail.place, sequence, at, records, keeps_s=self._keeps_s)
        place = Place(sequence, record.digest(message), at, self._keeps_s)
        self._attempts[place.digest] = _Attempt(items, place)
        while len(self._attempts) > _ATTEMPTS:
            del self._attempts[next(iter(self._attempts))]
        return message, place

    async def _catch_up(self) -> bool:
        """Take in what others have written, or what we wrote without being told so. Returns whether that worked."""
        known = self._tail.sequence
        try:
            first, last = await self._chain.span()
            if last < known:  # what was heard of since then may be missing in the answer
                self._tail.rewind(last)
            while self._tail.sequence < last:
                start = max(self._tail.sequence + 1, first)
                end = min(start + _READ - 1, last)
                for sequence, message in await self._chain.between(start, end):
                    self.heard(sequence, message)
                self._tail.sequence = max(self._tail.sequence, end)
        except OsapiError as problem:
            self._failed(problem)
            return False
        return True

    def _stored(self, items: list[_Item]) -> None:
        written = set(map(id, items))
        while self._items and id(self._items[0]) in written:
            self._items.popleft()
        for item in items:
            item.done()
        if self.problem is not None:
            _log.info("audit.restored")
            self.problem = None
        if self._given_up:
            given_up, self._given_up = self._given_up, 0
            self._lost(given_up)
        if not self._items:
            self._idle.set()

    def _failed(self, problem: OsapiError) -> None:
        if self.problem is None or self.problem.message != _told(problem).message:
            _log.error("audit.cannot_store", error=problem.message)
        self._refuse(problem)

    def _refuse(self, problem: OsapiError) -> None:
        self.problem = _told(problem)
        for item in self._items:
            if item.stored is not None:
                item.done(_told(problem))


def _told(problem: OsapiError) -> OsapiError:
    """The failure as whoever asked for the change hears it."""
    if problem.error_code == "refused":
        return StoreFull(
            f"nothing is changed, because the audit cannot be written: {problem.message}; make room for it, "
            "see nats.audit.max_bytes and nats.audit.max_age",
            code="audit_full",
        )
    return _unavailable(problem.message)


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(f"nothing is changed, because the audit cannot be written: {reason}", code="audit_unavailable")
