"""`python -m bench.tls`: what TLS costs. Two installations, one with TLS everywhere, measured in turns in one run.

The requests are those of P1 (one after the other) and P2 (32 at once, over HTTP); connections are kept, so no
handshake is in the figures but in the last one.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import uvloop

from bench.client import connections
from bench.load import CALLERS
from bench.stats import Sample
from bench.twins import Twin, each, many, single, twins


async def measure(folder: Path) -> list[str]:
    """One line for each figure."""
    async with twins(folder, {"plain": {"tls": False}, "tls": {"tls": True}}) as pair:
        return [
            _line("one job over HTTP, p50, ms", await single(pair, rounds=300)),
            _line(f"jobs per second, {CALLERS} callers", await many(pair, seconds=3.0, rounds=5)),
            _line("a new connection and one answer, p50, ms", await each(pair, _fresh, rounds=100, limit_s=30)),
        ]


async def _fresh(twin: Twin) -> None:
    async with connections(1, twin.stack.api, twin.stack.token) as [connection]:
        await connection.ok("/api/agent")


def _line(figure: str, samples: dict[str, Sample]) -> str:
    plain, tls = (samples[kind].median for kind in ("plain", "tls"))
    return f"{figure}: {plain:,.2f} without, {tls:,.2f} with TLS; ratio {tls / plain:.2f}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="osapi-bench-tls-") as place:
        began = time.monotonic()
        for told in uvloop.run(measure(Path(place))):
            print(told)
        print(f"{time.monotonic() - began:.0f} s")
