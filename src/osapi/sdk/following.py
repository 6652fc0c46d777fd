"""An operation that is answered as it happens: its events one by one, and its results at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, Generic, Self, TypeVar

from osapi.contract.operation import Operation
from osapi.jobs.api import JobEvent
from osapi.sdk import results
from osapi.sdk.errors import BadAnswer
from osapi.sdk.events import EventReader, ServerEvent, answer_in, attached, cut_short
from osapi.sdk.jobs import typed_event
from osapi.sdk.request import Response
from osapi.sdk.results import Results

Res = TypeVar("Res")


class Following(Generic[Res]):
    """Iterate over it for the events of the job; `results` is there when they have ended.

    `output` events carry parts of the result in `data`. Close it, or use it as a `with` block, to leave before
    the end: what is followed is stopped on the hosts then, a command goes on.

    Raises what `Client.run` raises, and `Unreachable` when the stream breaks.
    """

    def __init__(self, operation: Operation[Any, Res], blocks: Generator[bytes, None, None]) -> None:
        self._operation = operation
        self._blocks = blocks
        self._results: Results[Res] | None = None

    @property
    def results(self) -> Results[Res]:
        """What the hosts answered. Raises `ValueError` before the end."""
        return _present(self._results)

    def __iter__(self) -> Iterator[JobEvent]:
        with self:
            for event in attached(self._blocks):
                if isinstance(event, Response):
                    self._results = results.parse(self._operation, event.status, event.body)
                else:
                    yield _typed(event)

    def close(self) -> None:
        """Leave. A second call changes nothing."""
        self._blocks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncFollowing(Generic[Res]):
    """As `Following`, with `async for` and `async with`."""

    def __init__(self, operation: Operation[Any, Res], blocks: AsyncGenerator[bytes, None]) -> None:
        self._operation = operation
        self._blocks = blocks
        self._results: Results[Res] | None = None

    @property
    def results(self) -> Results[Res]:
        """What the hosts answered. Raises `ValueError` before the end."""
        return _present(self._results)

    async def __aiter__(self) -> AsyncIterator[JobEvent]:
        reader = EventReader()
        async with self:
            async for block in self._blocks:
                for event in reader.feed(block):
                    answer = answer_in(event)
                    if answer is not None:
                        self._results = results.parse(self._operation, answer.status, answer.body)
                        return
                    yield _typed(event)
            raise cut_short()

    async def close(self) -> None:
        """Leave. A second call changes nothing."""
        await self._blocks.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _present(found: Results[Res] | None) -> Results[Res]:
    if found is None:
        raise ValueError("there are no results yet; they come after the last event")
    return found


def _typed(event: ServerEvent) -> JobEvent:
    typed = typed_event(event)
    if not isinstance(typed, JobEvent):
        raise BadAnswer(f"the stream of one job holds an event {event.event!r}")
    return typed
