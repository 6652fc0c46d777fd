"""The two event streams that clients follow: one job from its beginning, or all jobs from now on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace

from osapi.contract.endpoint import ServerEvent
from osapi.jobs.entry import JobEntry
from osapi.jobs.feed import Feed, Item, Position, Subscription, history
from osapi.jobs.index import Change, Filter
from osapi.jobs.store import JobFacts
from osapi.jobs.tail import Tail

_LAST = ("done", "deleted")
_BEGINNING = Position()


@dataclass(frozen=True)
class Past:
    """What a job's stream begins with. `ended` says that the job had ended before `facts` were read."""

    entry: JobEntry
    facts: JobFacts
    ended: bool


@dataclass(frozen=True)
class Following:
    """One who follows a job. Either `events` or `leave` has to be called."""

    feed: Feed
    subscription: Subscription
    tail: Tail
    ended: bool

    def events(
        self, entry: JobEntry, facts: JobFacts, position: Position = _BEGINNING
    ) -> AsyncGenerator[ServerEvent, None]:
        """Everything after `position`. What is known of the job was read after this was made."""
        return job_stream(self.feed, self.subscription, self.tail, Past(entry, facts, self.ended), position)

    def leave(self) -> None:
        """Follow no more."""
        self.feed.unsubscribe(self.subscription)


class _Client:
    """Where a client stands, so that every event it is told carries a place to resume from."""

    def __init__(self, position: Position) -> None:
        self.position = position

    def told(self, item: Item) -> ServerEvent:
        """The event, once it is the next one to be told."""
        if item.stream == "output":
            self.position = replace(self.position, output=item.sequence)
        else:
            self.position = replace(item.position, output=self.position.output)
        return item.as_server_event(self.position)


async def job_stream(
    feed: Feed, subscription: Subscription, tail: Tail, past: Past, position: Position
) -> AsyncGenerator[ServerEvent, None]:
    """The past of a job from the facts, then its present from the feed, then `done`; its output in between.

    The subscription must be older than the past, so that nothing falls between the two.
    """
    try:
        items = history(past.entry, past.facts, await tail.start(position.output))
        client = _Client(Position(output=position.output))
        for item in items:
            event = client.told(item)
            if not position.covers(item.stream, item.sequence):
                yield event
        if past.ended:
            if not subscription.closed:
                yield client.told(_done(past.entry, client.position))
            return
        seen = {(item.stream, item.sequence) for item in items}
        async for item in _in_order(subscription, tail, past.entry):
            change = item.change
            if change.entry.id != past.entry.id or (_is_message(item) and (item.stream, item.sequence) in seen):
                continue
            yield client.told(item)
            if change.event in _LAST:
                return
    finally:
        feed.unsubscribe(subscription)
        await tail.stop()


async def all_stream(
    feed: Feed, make_tail: Callable[[Subscription], Tail] | None, position: Position, accept: Filter
) -> AsyncGenerator[ServerEvent, None]:
    """Everything after `position` that is still kept, then what happens. Begins with `reset` after a gap.

    `make_tail` None leaves out what jobs give out while they run.
    """
    subscription = feed.subscribe()
    tail = make_tail(subscription) if make_tail else None
    try:
        client = _Client(position if position != Position() else feed.position)
        missed = feed.since(position) if position != Position() else []
        if missed is None:
            yield ServerEvent(
                id=str(feed.position), event="reset", data={"reason": "events are missing; list the jobs"}
            )
        for item in [*(missed or []), *(await tail.start(position.output) if tail else [])]:
            if accept(item.change.entry):
                yield client.told(item)
        async for item in subscription:
            if accept(item.change.entry):
                yield client.told(item)
    finally:
        feed.unsubscribe(subscription)
        if tail is not None:
            await tail.stop()


async def _in_order(subscription: Subscription, tail: Tail, entry: JobEntry) -> AsyncIterator[Item]:
    """What happens, the output of each host before its end: they come by different ways."""
    async for item in subscription:
        change = item.change
        if change.entry is entry and change.outputs and change.machine_id is not None:
            await tail.reach(change.machine_id, change.outputs)
            for late in subscription.take(lambda other: other.stream == "output"):
                yield late
        yield item


def _is_message(item: Item) -> bool:
    """Whether the item tells of a message of the broker; `done` only follows from one."""
    return item.sequence > 0 and item.change.event not in _LAST


def _done(entry: JobEntry, position: Position) -> Item:
    return Item("queue", 0, position, Change(entry, "done", entry.updated))
