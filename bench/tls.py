"""`python -m bench.tls`: what TLS costs. Two installations, one with TLS everywhere, measured in turns in one run.

The requests are those of P1 (one after the other) and P2 (32 at once, over HTTP); connections are kept, so no
handshake is in the figures but in the last one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.client import Connection, connections
from bench.load import CALLERS, per_second
from bench.stack import Stack, running
from bench.stats import Sample, in_turns, timed

_KINDS = ("plain", "tls")
_SECONDS = 3.0


async def measure(folder: Path) -> list[str]:
    """One line for each figure."""
    async with AsyncExitStack() as opened:
        stacks = {
            kind: await opened.enter_async_context(running(folder / kind, agents=1, tls=kind == "tls"))
            for kind in _KINDS
        }
        callers = {
            kind: await opened.enter_async_context(connections(CALLERS, stack.api, stack.token))
            for kind, stack in stacks.items()
        }
        single = await in_turns(
            {kind: timed(_job(stacks[kind], callers[kind][0])) for kind in _KINDS}, rounds=300, warm_up=20, limit_s=60
        )
        many = await in_turns(
            {kind: _many(stacks[kind], callers[kind]) for kind in _KINDS}, rounds=5, warm_up=1, limit_s=90
        )
        fresh = await in_turns(
            {kind: timed(lambda kind=kind: _fresh(stacks[kind])) for kind in _KINDS}, rounds=100, warm_up=10, limit_s=30
        )
    return [
        _line("one job over HTTP, p50, ms", single),
        _line(f"jobs per second, {CALLERS} callers", many),
        _line("a new connection and one answer, p50, ms", fresh),
    ]


def _job(stack: Stack, connection: Connection) -> Callable[[], Awaitable[bytes]]:
    path = f"/api/node/{stack.agents[0].machine}/hostname"
    return lambda: connection.ok(path)


def _many(stack: Stack, callers: list[Connection]) -> Callable[[], Awaitable[float]]:
    path = f"/api/node/{stack.agents[0].machine}/hostname"
    return lambda: per_second(lambda number: callers[number].ok(path), _SECONDS)


async def _fresh(stack: Stack) -> None:
    async with connections(1, stack.api, stack.token) as [connection]:
        await connection.ok("/api/agent")


def _line(figure: str, samples: dict[str, Sample]) -> str:
    plain, tls = (samples[kind].median for kind in _KINDS)
    return f"{figure}: {plain:,.2f} without, {tls:,.2f} with TLS; ratio {tls / plain:.2f}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="osapi-bench-tls-") as place:
        began = time.monotonic()
        for told in uvloop.run(measure(Path(place))):
            print(told)
        print(f"{time.monotonic() - began:.0f} s")
