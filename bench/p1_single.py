"""P1: one job on one host over HTTP, from the request to the answer, with everything stored."""

from __future__ import annotations

from bench import base, original
from bench.client import connections
from bench.report import Line
from bench.setting import Setting
from bench.stack import running
from bench.stages import medians
from bench.stats import in_turns, short, timed


async def measure(setting: Setting) -> list[Line]:
    """One kept connection asks one agent for its host name, in turns with BASE and ORIGINAL."""
    async with (
        running(setting.folder / "p1", agents=1) as stack,
        base.prepared(stack.login) as least,
        original.prepared(stack.login, update_bucket=True) as updating,
        original.prepared(stack.login, update_bucket=False) as plain,
        connections(1, stack.api, stack.token) as [connection],
    ):
        path = f"/api/node/{stack.agents[0].machine}/hostname"
        stored = await stack.stored("KV_job-responses")
        samples = await in_turns(
            {
                "base": timed(least.once),
                "osapi": timed(lambda: connection.ok(path)),
                "original": timed(updating.once),
                "plain": timed(plain.once),
            },
            rounds=setting.count(300, 60), warm_up=20, limit_s=setting.count(40, 10),
        )  # fmt: skip
        stored = await stack.stored("KV_job-responses") - stored
        stages = await medians(stack.login, lambda: connection.ok(path), setting.count(100, 40))
    ours = samples["osapi"]
    jobs = len(ours.values) + 20
    note = (
        f"median (10th to 90th percentile) in ms: {ours.spread}; BASE {samples['base'].spread}; ORIGINAL "
        f"{samples['original'].spread}, without its bucket update {samples['plain'].spread}; "
        f"{stored} answers stored for {jobs} jobs; "
        + ", ".join(f"{stage} {short(spent)}" for stage, spent in stages.items())
    )
    if stored < jobs:
        raise RuntimeError(f"only {stored} answers are stored for {jobs} jobs")
    figure = "one job over HTTP, p50"
    return [
        Line(
            number="P1", figure=figure, measured=ours.median, unit="ms",
            against="BASE", held=samples["base"].median, goal=2.0, note=note,
        ),
        Line(
            number="P1", figure=figure, measured=ours.median, unit="ms",
            against="ORIGINAL", held=samples["original"].median, goal=1 / 7,
        ),
    ]  # fmt: skip
