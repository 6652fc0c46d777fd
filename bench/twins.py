"""Two installations that differ in one thing, measured in turns in one run: what that thing costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.client import Connection, connections
from bench.load import CALLERS, per_second
from bench.stack import Stack, running
from bench.stats import Sample, in_turns, timed


@dataclass(frozen=True)
class Twin:
    """One of them, with one agent and connections that are kept."""

    stack: Stack
    callers: list[Connection]

    @property
    def path(self) -> str:
        """What P1 and P2 ask for."""
        return f"/api/node/{self.stack.agents[0].machine}/hostname"


@asynccontextmanager
async def twins(folder: Path, kinds: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[dict[str, Twin]]:
    """Installations by their names; what each is told is what `running` takes."""
    async with AsyncExitStack() as opened:
        made = dict[str, Twin]()
        for kind, told in kinds.items():
            stack = await opened.enter_async_context(running(folder / kind, agents=1, **told))
            callers = await opened.enter_async_context(connections(CALLERS, stack.api, stack.token))
            made[kind] = Twin(stack, callers)
        yield made


async def each(
    pair: Mapping[str, Twin], action: Callable[[Twin], Awaitable[object]], *, rounds: int, limit_s: float = 60.0
) -> dict[str, Sample]:
    """Milliseconds that it takes, once, with each of them."""
    probes = {kind: timed(lambda twin=twin: action(twin)) for kind, twin in pair.items()}
    return await in_turns(probes, rounds=rounds, warm_up=20, limit_s=limit_s)


async def single(pair: Mapping[str, Twin], *, rounds: int) -> dict[str, Sample]:
    """P1 with each of them: milliseconds of one job."""
    return await each(pair, lambda twin: twin.callers[0].ok(twin.path), rounds=rounds)


async def many(pair: Mapping[str, Twin], *, seconds: float, rounds: int) -> dict[str, Sample]:
    """P2 over HTTP with each of them: jobs per second."""

    def of(twin: Twin) -> Callable[[], Awaitable[float]]:
        return lambda: per_second(lambda number: twin.callers[number].ok(twin.path), seconds)

    return await in_turns({kind: of(twin) for kind, twin in pair.items()}, rounds=rounds, warm_up=1, limit_s=90)
