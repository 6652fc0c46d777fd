"""The two event streams that clients follow: one job from its beginning, or all jobs from now on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from osapi.contract.endpoint import ServerEvent
from osapi.jobs.entry import JobEntry
from osapi.jobs.feed import Feed, Item, Position, Subscription, history
from osapi.jobs.index import Change, Filter
from osapi.jobs.store import JobFacts

_LAST = ("done", "deleted")


@dataclass(frozen=True)
class Past:
    """What a job's stream begins with. `ended` says that the job had ended before `facts` were read."""

    entry: JobEntry
    facts: JobFacts
    ended: bool


async def job_stream(
    feed: Feed, subscription: Subscription, past: Past, position: Position
) -> AsyncIterator[ServerEvent]:
    """The past of a job from the facts, then its present from the feed, then `done`.

    The subscription must be older than the past, so that nothing falls between the two.
    """
    try:
        items = history(past.entry, past.facts)
        for item in items:
            if not position.covers(item.stream, item.sequence):
                yield item.as_server_event()
        if past.ended:
            yield _done(past.entry, items[-1].position)
            return
        seen = {(item.stream, item.sequence) for item in items}
        async for item in subscription:
            change = item.change
            if change.entry.id != past.entry.id or (_is_message(item) and (item.stream, item.sequence) in seen):
                continue
            yield item.as_server_event()
            if change.event in _LAST:
                return
    finally:
        feed.unsubscribe(subscription)


async def all_stream(feed: Feed, position: Position, accept: Filter) -> AsyncIterator[ServerEvent]:
    """Everything after `position` that is still kept, then what happens. Begins with `reset` after a gap."""
    subscription = feed.subscribe()
    try:
        missed = feed.since(position) if position != Position() else []
        if missed is None:
            yield ServerEvent(
                id=str(feed.position), event="reset", data={"reason": "events are missing; list the jobs"}
            )
        for item in missed or []:
            if accept(item.change.entry):
                yield item.as_server_event()
        async for item in subscription:
            if accept(item.change.entry):
                yield item.as_server_event()
    finally:
        feed.unsubscribe(subscription)


def _is_message(item: Item) -> bool:
    """Whether the item tells of a message of the broker; `done` only follows from one."""
    return item.sequence > 0 and item.change.event not in _LAST


def _done(entry: JobEntry, position: Position) -> ServerEvent:
    return Item("queue", 0, position, Change(entry, "done", entry.updated)).as_server_event()
