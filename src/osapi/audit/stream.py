"""The stream `AUDIT` as the journal and the readers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from osapi.transport.broker import Broker
from osapi.transport.watch import Watch

_SUBJECT = "chain"
"""One subject for all messages: a broker remembers every subject there is."""
APPEND_S = 5.0
MOST_TOGETHER = 256
_FIRST_TOGETHER = 16
_BYTES_TOGETHER = 2 * 1024 * 1024
"""Messages are read together, as many as are so long if they are like those before; one holds at most `MOST_BYTES` of records."""
MOST_BYTES = 192 * 1024
_NEAR = 16
"""Messages that are as near to one another as this are read in one go."""


class AuditStream:
    """Messages by sequence. Every method raises `Unavailable` while the broker is away."""

    def __init__(self, broker: Broker, *, name: str, subject: str) -> None:
        self._broker = broker
        self._subject = f"{subject}.{_SUBJECT}"
        self._stream = broker.stream(name)

    @property
    def most_bytes(self) -> int:
        """How long the records of one message may be together: not more than half of what the broker carries."""
        return min(MOST_BYTES, self._broker.max_payload // 2)

    async def append(self, message: bytes, *, expect_last: int) -> int:
        """Store a message behind the one of that sequence; returns its own. Raises `Conflict` when another one is last."""
        return await self._broker.append(self._subject, message, expect_last=expect_last, timeout_s=APPEND_S)

    async def span(self) -> tuple[int, int]:
        """The sequences of the first and the last message; the first is greater, or both are 0, when there is none."""
        return await self._stream.span()

    async def between(self, first: int, last: int) -> Iterable[tuple[int, bytes]]:
        """Every message from sequence `first` to `last`, oldest first; those that are gone are left out."""
        return [(one.sequence, one.data) for one in await self._stream.between(first, last)]

    async def read(self, sequences: Iterable[int]) -> dict[int, bytes]:
        """The messages of these sequences; those that are gone are left out."""
        wanted = sorted(set(sequences))
        read = await asyncio.gather(*(self.between(first, last) for first, last in _stretches(wanted)))
        return {sequence: message for part in read for sequence, message in part}

    async def through(self, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        """Every message from `first` to `last`, a few in memory at a time."""
        start, count = first, _FIRST_TOGETHER
        while start <= last:
            size = 0
            for one in await self.between(start, min(start + count - 1, last)):
                await asyncio.sleep(0)  # whoever takes it verifies a signature: others have their turn between two
                yield one
                size += len(one[1])
            start, count = start + count, _together(size // count)

    async def follow(
        self,
        on_message: Callable[[int, bytes], None],
        *,
        start: int,
        on_ready: Callable[[], None],
        on_reset: Callable[[], None],
    ) -> Watch:
        """Call `on_message` for every message from `start` on, for ever; see `Bucket.watch`."""
        return await self._stream.follow(self._subject, on_message, start=start, on_ready=on_ready, on_reset=on_reset)


def _together(average: int) -> int:
    """How many messages of so many bytes are read together."""
    return max(1, min(MOST_TOGETHER, _BYTES_TOGETHER // max(1, average)))


def _stretches(wanted: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours, and those nearly so, as first and last."""
    if not wanted:
        return
    first = last = wanted[0]
    for sequence in wanted[1:]:
        if sequence - last > _NEAR:
            yield first, last
            first = sequence
        last = sequence
    yield first, last
