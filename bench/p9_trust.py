"""P9: what signatures, seals and the broker's permissions cost one job, and many."""

from __future__ import annotations

import json

from bench.load import CALLERS
from bench.report import Line
from bench.setting import Setting
from bench.stats import Sample
from bench.twins import Twin, each, many, single, twins

_MOST = 1.15
_SECRET = json.dumps({"command": "true", "secret_stdin": "known to nobody else"})
_KINDS = {
    "without": {"trusting": True, "changes": {"nats": {"server": {"auth": {"type": "none"}}}}},
    "with": {},
}


async def measure(setting: Setting) -> list[Line]:
    """In turns with an installation that leaves them out: P1, P1 with a program and a secret for it, and P2 over HTTP."""
    async with twins(setting.folder / "p9", _KINDS) as pair:
        one = await single(pair, rounds=setting.count(500, 60))
        secret = await each(pair, _secret, rounds=setting.count(200, 40))
        rate = await many(pair, seconds=setting.count(3, 1), rounds=setting.count(7, 2))
    return [
        _line("one job over HTTP, p50", one, "ms"),
        _line("one program with a sealed secret, p50", secret, "ms"),
        _line(f"jobs per second, {CALLERS} callers", rate, "/s", at_least=True),
    ]


async def _secret(twin: Twin) -> bytes:
    return await twin.callers[0].posted(f"/api/node/{twin.stack.agents[0].machine}/command/exec", _SECRET)


def _line(figure: str, samples: dict[str, Sample], unit: str, *, at_least: bool = False) -> Line:
    return Line(
        number="P9", figure=figure, measured=samples["with"].median, unit=unit, at_least=at_least,
        against="no signatures, seals, permissions", held=samples["without"].median,
        goal=1 / _MOST if at_least else _MOST,
    )  # fmt: skip
