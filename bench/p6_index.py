"""P6: lists and single jobs when there are 100,000 of them, and what it takes to have them at hand."""

from __future__ import annotations

import json
import statistics
from contextlib import AsyncExitStack
from typing import Any

from bench import history, proc
from bench.client import connections
from bench.report import Line
from bench.setting import Setting
from bench.stack import Stack, running
from bench.stats import in_turns, timed
from osapi.pki.signing import Signer

FEW = 1000
_PAGE = "/api/job?limit=10"
_FILLING: dict[str, Any] = {"nats": {"server": {"sync_interval": "2m"}}}


async def measure(setting: Setting) -> list[Line]:
    """Two whole installations side by side, asked in turns: one with few jobs, one with many."""
    many = setting.count(100_000, 20_000)
    async with AsyncExitStack() as exits:
        small = await exits.enter_async_context(running(setting.folder / "p6-small", agents=0, changes=_FILLING))
        large = await exits.enter_async_context(running(setting.folder / "p6-large", agents=0, changes=_FILLING))
        await _filled(small, FEW)
        ids = await _filled(large, many)
        starts = [(await large.start_controller(), await small.start_controller())]
        memory = (proc.rss_bytes(large.controller_pid) - proc.rss_bytes(small.controller_pid)) / (many - FEW)
        starts += [(await _restarted(large), await _restarted(small)) for _ in range(setting.count(2, 0))]
        [few_page] = await exits.enter_async_context(connections(1, small.api, small.token))
        [page] = await exits.enter_async_context(connections(1, large.api, large.token))
        assert json.loads(await page.ok(_PAGE))["total_items"] >= many
        middle = ids[len(ids) // 2]
        samples = await in_turns(
            {
                "few": timed(lambda: few_page.ok(_PAGE)),
                "many": timed(lambda: page.ok(_PAGE)),
                "deep": timed(lambda: page.ok(f"{_PAGE}&offset={many // 2}")),
                "filtered": timed(lambda: page.ok(f"{_PAGE}&operation=node.load.get")),
                "one": timed(lambda: page.ok(f"/api/job/{middle}")),
            },
            rounds=setting.count(150, 40), warm_up=10, limit_s=30,
        )  # fmt: skip
    rebuilt = statistics.median(with_many - with_few for with_many, with_few in starts)
    listed = f"page of 10 of {many:,} jobs over HTTP, p50"
    return [
        Line(
            number="P6", figure=listed, measured=samples["many"].median, unit="ms", goal=8,
            note=f"in ms: newest page {samples['many'].spread}, page in the middle {samples['deep'].spread}, "
            f"filtered by operation {samples['filtered'].spread}",
        ),
        Line(
            number="P6", figure=listed, measured=samples["many"].median, unit="ms",
            against=f"page of {FEW:,} jobs", held=samples["few"].median, goal=1.3,
        ),
        Line(number="P6", figure="one job's status, p50", measured=samples["one"].median, unit="ms", goal=2.5),
        Line(
            number="P6", figure="index rebuilt", measured=rebuilt, unit="s", goal=4.0 * many / 100_000,
            note=f"start of a controller with {many:,} jobs less that with {FEW:,}: "
            + ", ".join(f"{with_many:.2f} - {with_few:.2f}" for with_many, with_few in starts),
        ),
        Line(
            number="P6", figure="memory per job", measured=memory / 1000, unit="KB", goal=1.0,
            note="resident memory of both controllers after their start, difference per job",
        ),
    ]  # fmt: skip


async def _filled(stack: Stack, count: int) -> list[str]:
    """Fill while the broker syncs now and then, and go on with one that syncs always. The controller is stopped."""
    await stack.stop(stack.controller_pid)
    ids = await history.fill(stack.login, Signer(stack.controller_key()), count)
    await stack.stop_broker()
    stack.reconfigure({})
    await stack.start_broker()
    return list(ids)


async def _restarted(stack: Stack) -> float:
    await stack.stop(stack.controller_pid)
    return await stack.start_controller()
