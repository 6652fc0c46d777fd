"""Server-sent events: what happens to jobs, as it happens, resumable after a pause.

The id of an event is `<q>-<r>`: the last sequences of the buckets `job-queue` and `job-responses` that led
up to it. They come from the broker, so that a client may resume at any controller. What else follows from
the same message, or from time alone, is `<q>-<r>-1` and so on. Once a client has been told output of jobs, the
sequence of the last piece stands behind that: `<q>-<r>-<step>-<o>`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from osapi.contract.endpoint import ServerEvent
from osapi.contract.errors import Invalid
from osapi.jobs.api import JobEvent
from osapi.jobs.entry import JobEntry, moment
from osapi.jobs.index import Change
from osapi.jobs.record import Response, StatusEvent
from osapi.jobs.store import JobFacts

KEPT = 10_000
"""How many events are kept for clients that resume."""
_BACKLOG = 1_000
_BACKLOG_BYTES = 4 * 1024 * 1024
Stream = Literal["queue", "responses", "output"]


@dataclass(frozen=True)
class Position:
    """The last sequence seen of each bucket, how many more events have been seen since then, and the last output."""

    queue: int = 0
    responses: int = 0
    step: int = 0
    output: int = 0

    def __str__(self) -> str:
        last = [self.step, self.output] if self.output else [self.step] if self.step else []
        return "-".join(map(str, [self.queue, self.responses, *last]))

    def after(self, stream: Stream, sequence: int) -> Position:
        """The position once `sequence` has been seen as well."""
        if stream == "queue":
            return Position(max(self.queue, sequence), self.responses, output=self.output)
        if stream == "responses":
            return Position(self.queue, max(self.responses, sequence), output=self.output)
        return replace(self, output=max(self.output, sequence))

    def covers(self, stream: Stream, sequence: int) -> bool:
        """Whether `sequence` had been seen at this position."""
        seen: int = getattr(self, stream)
        return sequence <= seen


def parse_position(text: str) -> Position:
    """Read an event id. Raises `Invalid` for anything that was never one."""
    parts = text.split("-")
    if len(parts) not in (2, 3, 4) or not all(part.isascii() and part.isdigit() for part in parts):
        raise Invalid(f"Last-Event-ID {text!r} is no event id; send the id of the last event, such as 120-98")
    return Position(*map(int, parts))


@dataclass(frozen=True)
class Item:
    """An event, where it came from, and the position after it. Sequence 0: time alone brought it about.

    `size` is how many bytes of output it carries; the position of such an event tells of the output alone.
    """

    stream: Stream
    sequence: int
    position: Position
    change: Change
    size: int = 0

    def is_after(self, position: Position) -> bool:
        """Whether a client that has seen everything up to `position` has not seen this."""
        here = self.position
        if (here.queue, here.responses) == (position.queue, position.responses):
            return here.step > position.step
        if self.sequence:
            return not position.covers(self.stream, self.sequence)
        return here.queue > position.queue or here.responses > position.responses

    def as_server_event(self, position: Position | None = None) -> ServerEvent:
        """The event; `position` is where the client stands after it, if it knows of more than this item does."""
        return ServerEvent(id=str(position or self.position), event=self.change.event, data=_job_event(self.change))


class Subscription:
    """The live end of the feed for one client. A client that is too slow is cut off and may resume."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self.closed = False

    def offer(self, item: Item) -> None:
        if self.closed:
            return
        if len(self._items) < _BACKLOG and self._size + item.size <= _BACKLOG_BYTES:
            self._items.append(item)
            self._size += item.size
            self._news.set()
        else:
            self.close()

    def close(self) -> None:
        """End the stream after what is queued."""
        self.closed = True
        self._news.set()

    def take(self, wanted: Callable[[Item], bool]) -> list[Item]:
        """Take what is wanted out of the queue, in order."""
        found = [item for item in self._items if wanted(item)]
        self._items = deque(item for item in self._items if not wanted(item))
        self._size -= sum(item.size for item in found)
        return found

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            while self._items:
                item = self._items.popleft()
                self._size -= item.size
                yield item
            if self.closed:
                return
            self._news.clear()
            await self._news.wait()


class Feed:
    """The newest events of all jobs, and everybody who listens."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=KEPT)
        self._subscriptions: set[Subscription] = set()
        self._stream: Stream = "queue"
        self._sequence = 0
        self._step = 0
        self._newest: dict[str, int] = {"queue": 0, "responses": 0}
        self._began = Position()

    @property
    def position(self) -> Position:
        """The last sequences seen."""
        return Position(**self._newest)

    def begin(self) -> None:
        """From here on changes are kept; what led up to it can be read as jobs, not as events."""
        self._began = self.position

    def arrived(self, stream: Stream, sequence: int) -> None:
        """Note which message of the broker the following changes come from."""
        self._stream, self._sequence, self._step = stream, sequence, 0
        self._newest[stream] = max(self._newest[stream], sequence)

    def time_passed(self) -> None:
        """Note that the following changes come from the clock alone."""
        self._sequence = 0

    def publish(self, change: Change) -> None:
        """Keep a change, and tell everybody who listens."""
        position = Position(**self._newest, step=self._step)
        self._step += 1
        item = Item(self._stream, self._sequence, position, change)
        self._items.append(item)
        for subscription in list(self._subscriptions):
            subscription.offer(item)

    def subscribe(self) -> Subscription:
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def since(self, position: Position) -> list[Item] | None:
        """Every event after `position`, oldest first; None when some of them are no longer kept."""
        if not self._reaches_back(position):
            return None
        return [item for item in self._items if item.is_after(position)]

    def _reaches_back(self, position: Position) -> bool:
        oldest = self._items[0].position if len(self._items) == KEPT else self._began
        return position.covers("queue", oldest.queue) and position.covers("responses", oldest.responses)

    def close(self) -> None:
        """End all streams."""
        for subscription in list(self._subscriptions):
            subscription.close()


def history(entry: JobEntry, facts: JobFacts, output: Sequence[Item] = ()) -> list[Item]:
    """The events of one job so far, from the broker's facts and the output that is kept, in an order that can be resumed."""
    queue = [(facts.revision, Change(entry, "submitted", facts.job.issued.timestamp()))]
    queue += [(sequence, _noted(entry, event)) for sequence, event in facts.events]
    answers = [(sequence, _answered(entry, answer)) for sequence, answer in facts.responses]
    items: list[Item] = []
    position = Position()
    for stream, sequence, change in _merge(queue, answers, [(item.sequence, item.change) for item in output]):
        position = position.after(stream, sequence)
        items.append(Item(stream, sequence, position, change))
    return items


def _merge(
    queue: list[tuple[int, Change]], answers: list[tuple[int, Change]], output: list[tuple[int, Change]]
) -> Iterable[tuple[Stream, int, Change]]:
    """All three by time, each in its own order, so that positions only grow."""
    tagged: list[Iterable[tuple[Stream, int, Change]]] = [
        [("queue", sequence, change) for sequence, change in queue],
        [("output", sequence, change) for sequence, change in output],
        [("responses", sequence, change) for sequence, change in answers],
    ]
    return heapq.merge(*tagged, key=lambda item: item[2].timestamp)


def _noted(entry: JobEntry, event: StatusEvent) -> Change:
    moment = event.timestamp.timestamp()
    return Change(entry, event.event.value, moment, event.hostname, event.machine_id, data=event.data)


def _answered(entry: JobEntry, answer: Response) -> Change:
    return Change(
        entry,
        answer.ending.value,
        answer.finished.timestamp(),
        answer.hostname,
        answer.machine_id,
        changed=answer.changed,
        error=answer.error,
    )


def _job_event(change: Change) -> JobEvent:
    entry = change.entry
    return JobEvent(
        job_id=entry.id,
        event=change.event,
        timestamp=moment(change.timestamp),
        operation=entry.operation,
        target=entry.target,
        status=entry.status,
        hostname=change.hostname,
        machine_id=change.machine_id,
        changed=change.changed,
        error=change.error,
        data=change.data,
        left_out=change.left_out,
    )
