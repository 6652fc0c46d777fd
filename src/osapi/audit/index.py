"""The newest entries in memory, as far as lists and filters need them; fed by one watch on the stream.

No request scans the stream: a page is found here and read by sequence. Older entries than `KEPT` are not listed; they
are in the stream, and export and verification tell them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from sys import intern

from osapi.audit import ids, record
from osapi.audit.block import Block, Row, place
from osapi.audit.criteria import Criteria
from osapi.audit.record import Addition, Entry, Link

KEPT = 1_000_000
_UNPACKED = 64
"""Blocks that may wait for outcomes; the oldest beyond are packed and, should an outcome come, packed again."""


class Index:
    """All entries of the last `kept`, newest last."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._blocks: deque[Block] = deque()
        self._unpacked: deque[Block] = deque()
        self._open: dict[bytes, tuple[Block, Row]] = {}
        self._size = 0
        self.sequence = 0
        """The last message that was taken in."""
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return self._size

    @property
    def blocks(self) -> Iterable[Block]:
        """The parts, oldest first."""
        return self._blocks

    def clear(self) -> None:
        """Forget everything: the stream is another one."""
        self._blocks.clear()
        self._unpacked.clear()
        self._open.clear()
        self._size = self.sequence = 0

    def take(self, sequence: int, message: bytes) -> None:
        """Take in a message; one that is none of the chain changes nothing."""
        link = record.peek(message)
        if link is not None:
            with suppress(ValueError):  # an id that is none: nobody of us wrote it
                self._take_records(sequence, link)
        self.sequence = sequence
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def reached(self, sequence: int) -> None:
        """Return when the message of that sequence has been taken in."""
        while self.sequence < sequence:
            await self._arrived.wait()

    async def page(
        self, criteria: Criteria, *, limit: int, offset: int = 0, before: int | None = None
    ) -> tuple[int, list[Row]]:
        """Count all entries that fulfil the criteria, and return `limit` of them, newest first.

        `before` is the place of the last entry of the page before and replaces `offset`.
        """
        total, found = 0, list[Row]()
        skip = offset if before is None else 0
        for block in reversed(list(self._blocks)):
            count = criteria.count(block)
            beyond = before is not None and block.first_place >= before
            if count is None or (count and not beyond and len(found) < limit and skip < count):
                await asyncio.sleep(0)  # others have their turn between two blocks
                rows = [row for row in block.newest_first() if criteria.accepts(row)]
                count = len(rows)
                rows = [row for row in rows if before is None or row.place < before]
                found += rows[skip : skip + limit - len(found)]
                skip = max(0, skip - len(rows))
            elif not beyond and len(found) < limit:
                skip = max(0, skip - count)
            total += count
        return total, found

    def find(self, entry_id: bytes) -> Row | None:
        """The row of an entry. None when it is not among those kept."""
        for block in reversed(self._blocks):
            if block.first_id <= entry_id <= block.last_id:
                found = next((row for row in block.rows() if row.id == entry_id), None)
                if found is not None:
                    return found
        return None

    def forget_before(self, time: float) -> None:
        """Drop blocks of which every entry is older."""
        while self._blocks and self._blocks[0].last_time < time:
            self._drop(self._blocks[0])

    def _take_records(self, sequence: int, link: Link) -> None:
        for position, one in enumerate(link.records):
            if isinstance(one, Entry):
                self._add(one, place(sequence, position))
            else:
                self._amend(one, place(sequence, position))

    def _add(self, entry: Entry, at: int) -> None:
        block = self._block()
        row = _row(entry, at)
        block.add(row)
        self._size += 1
        if entry.outcome is None:
            self._open[row.id] = (block, row)
            block.open += 1
        if self._size > self._kept:
            self._drop(self._blocks[0])

    def _amend(self, addition: Addition, at: int) -> None:
        entry_id = ids.compact(addition.id)
        known = self._open.get(entry_id)
        if known is None:
            self._amend_packed(entry_id, addition, at)
            return
        block, row = known
        _apply(row, addition, at)
        outcome = addition.outcome
        if addition.states or (outcome is not None and not record.goes_on(outcome, has_job=bool(row.job))):
            del self._open[entry_id]
            block.open -= 1

    def _amend_packed(self, entry_id: bytes, addition: Addition, at: int) -> None:
        """The outcome of an entry that was not expected to have one any more."""
        for block in reversed(self._blocks):
            if block.first_id <= entry_id <= block.last_id:
                block.change(entry_id, lambda row: _apply(row, addition, at))

    def _block(self) -> Block:
        if not self._blocks or self._blocks[-1].is_full:
            self._pack()
            block = Block()
            self._blocks.append(block)
            self._unpacked.append(block)
        return self._blocks[-1]

    def _pack(self) -> None:
        """Pack every full block whose entries all have their outcome, and the oldest of too many others."""
        waiting = [block for block in self._unpacked if block.open]
        overdue = waiting[: max(0, len(waiting) - _UNPACKED)]
        for block in [block for block in self._unpacked if not block.open or block in overdue]:
            block.pack()
            self._unpacked.remove(block)
            if block.open:
                self._give_up(block)

    def _give_up(self, block: Block) -> None:
        block.open = 0
        for entry_id in [entry_id for entry_id, (where, _) in self._open.items() if where is block]:
            del self._open[entry_id]

    def _drop(self, block: Block) -> None:
        self._blocks.popleft()
        self._size -= len(block)
        if block.open:
            self._give_up(block)
        if not block.is_packed:
            self._unpacked.remove(block)


def _row(entry: Entry, at: int) -> Row:
    job = entry.job
    return Row(
        id=ids.compact(entry.id),
        place=at,
        time=entry.timestamp.timestamp(),
        kind=entry.kind.value,
        user=intern(entry.user),
        method=intern(entry.method),
        path=entry.path,
        operation_id=intern(entry.operation_id),
        operation=intern(job.operation if job else ""),
        status=entry.outcome.response_code if entry.outcome else 0,
        job=ids.compact(job.job_id if job else entry.outcome.job_id if entry.outcome else ""),
        source_ip=intern(entry.source_ip),
    )


def _apply(row: Row, addition: Addition, at: int) -> None:
    row.more = (*row.more, at)
    if addition.job is not None:
        row.operation = intern(addition.job.operation)
        row.job = ids.compact(addition.job.job_id)
    if addition.outcome is not None:
        row.status = addition.outcome.response_code
        row.job = row.job or ids.compact(addition.outcome.job_id)


def places(rows: Iterable[Row]) -> list[int]:
    """Every place that belongs to these rows."""
    return [at for row in rows for at in (row.place, *row.more)]
