"""A stream as somebody who looks after it sees it: count, read the newest, follow, delete, purge.

Reading is by batched direct get; counting, following and deleting need rights that only controllers have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from osapi.contract.errors import NoAnswer, NotFound, Unavailable
from osapi.transport import batch
from osapi.transport.link import Link
from osapi.transport.refusal import Refusal, as_error
from osapi.transport.watch import Watch

_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class StreamMessage:
    """One stored message; the subject is without namespace."""

    subject: str
    data: bytes
    sequence: int


class State(msgspec.Struct, frozen=True):
    """What the broker tells of a stream; `subjects` counts the messages of those that were asked for."""

    messages: int = 0
    first_seq: int = 0
    last_seq: int = 0
    subjects: dict[str, int] | None = None


class Answer(msgspec.Struct, frozen=True):
    """The answer to any question about a stream. `total` is how many `subjects` there are in all."""

    state: State = State()
    purged: int = 0
    total: int = 0
    error: Refusal | None = None


async def ask(link: Link, stream: str, what: str, question: dict[str, Any]) -> Answer:
    """Ask about a stream by its name in the broker. Raises `Unavailable`, and as `as_error` does."""
    subject = f"$JS.API.STREAM.{what}.{stream}"
    try:
        reply = await link.request(subject, msgspec.json.encode(question), timeout_s=_TIMEOUT_S)
    except NoAnswer as err:
        raise Unavailable(f"stream {stream} does not answer: {err.message}") from err
    answer = msgspec.json.decode(reply.data, type=Answer)
    if answer.error is not None:
        raise as_error(answer.error, f"the broker refuses {what.lower()} on stream {stream}")
    return answer


class StreamKeeper:
    """Looks after one stream. Every method raises `Unavailable` when the broker is away."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = link.names.stream(name)

    async def count(self) -> int:
        """How many messages the stream holds."""
        return (await self._state()).messages

    async def span(self) -> tuple[int, int]:
        """The sequences of the first and the last message; the first is greater, or both are 0, when there is none."""
        state = await self._state()
        return state.first_seq, state.last_seq

    async def follow(
        self,
        subject: str,
        on_message: Callable[[int, bytes], None],
        *,
        start: int,
        on_ready: Callable[[], None],
        on_reset: Callable[[], None],
    ) -> Watch:
        """Call `on_message` with sequence and data of the messages of `subject` from sequence `start` on.

        In all else like `Bucket.watch`.
        """

        def take(_subject: bytes, data: bytes, _headers: bytes | None, sequence: int, _stamp: int) -> None:
            on_message(sequence, data)

        watch = Watch(self._link, self._name, self._link.names.subject(subject), take, on_ready, on_reset, start=start)
        await watch.start()
        return watch

    async def newest(self, limit: int) -> list[StreamMessage]:
        """Up to `limit` messages, the newest first."""
        state = await self._state()
        found: list[StreamMessage] = []
        end = state.last_seq
        while len(found) < limit and end >= state.first_seq and state.messages:
            start = max(state.first_seq, end - limit + 1)
            page = await batch.between(self._link, self._name, start, end)
            found += [self._message(one) for one in reversed(page)]
            end = start - 1
        return found[:limit]

    async def get(self, sequence: int) -> StreamMessage | None:
        """One message; None when it is not there."""
        found = await batch.between(self._link, self._name, sequence, sequence)
        return self._message(found[0]) if found else None

    async def delete(self, sequence: int) -> None:
        """Delete one message. Raises `NotFound` when it is not there."""
        if await self.get(sequence) is None:
            raise NotFound(f"stream {self._name} holds no message {sequence}")
        await ask(self._link, self._name, "MSG.DELETE", {"seq": sequence, "no_erase": True})

    async def purge(self, subject: str | None = None) -> int:
        """Delete all messages, or those on a subject or filter, and return how many there were."""
        which = {} if subject is None else {"filter": self._link.names.subject(subject)}
        return (await ask(self._link, self._name, "PURGE", which)).purged

    async def _state(self) -> State:
        return (await ask(self._link, self._name, "INFO", {})).state

    def _message(self, one: batch.Stored) -> StreamMessage:
        return StreamMessage(self._link.names.bare(one.subject), one.data, one.sequence)
