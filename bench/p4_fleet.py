"""P4: a broadcast to 1,000 played agents, every answer stored, against a bare fan-out to as many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bench import fanout
from bench.client import connections
from bench.p3_broadcast import ask_all
from bench.report import Line, yes_or_no
from bench.setting import Setting
from bench.stack import Stack, running
from bench.stats import in_turns, timed
from bench.wire import connect

SMALL = 200


async def measure(setting: Setting) -> list[Line]:
    """All agents and a fifth of them, in turns with a fan-out to the same number of players."""
    many = setting.count(1000, 400)
    async with running(setting.folder / "p4", agents=0) as stack:
        playing = {"mode": "job", "public_key": str(stack.public_key), "small": SMALL}
        async with (
            fanout.prepared(many, stack.login) as bare,
            fanout.players(many, stack.agent_login, playing),
            connections(1, stack.api, stack.token) as [connection],
        ):
            await stack.until_registered(many)
            samples = await in_turns(
                {
                    "fanout": timed(bare.once),
                    "all": timed(lambda: ask_all(connection, "_all", many)),
                    "small": timed(lambda: ask_all(connection, "size:small", SMALL)),
                },
                rounds=setting.count(20, 6), warm_up=2, limit_s=90,
            )  # fmt: skip
            asked = await _reads_before_publishing(stack, lambda: ask_all(connection, "_all", many))
    everybody, few = samples["all"].median, samples["small"].median
    return [
        Line(
            number="P4", figure=f"broadcast to {many} played agents, stored, p50", measured=everybody, unit="ms",
            against="core fan-out", held=samples["fanout"].median, goal=2.0,
            note=f"in ms: {samples['all'].spread}; core fan-out {samples['fanout'].spread}; "
            f"{SMALL} agents {samples['small'].spread}",
        ),
        Line(
            number="P4", figure="time per added agent", measured=(everybody - few) / (many - SMALL), unit="ms",
            goal=0.25, note=f"from {SMALL} to {many} agents",
        ),
        yes_or_no("P4", "broker asked for anything before the publish", asked, "reads of streams and buckets, new consumers; one broadcast"),
    ]  # fmt: skip


async def _reads_before_publishing(stack: Stack, ask: Callable[[], Awaitable[None]]) -> int:
    """How many requests to the broker's API come before the job is published, while `ask` runs."""
    asked = 0
    published = False

    def on_request(_subject: bytes, _reply: bytes, _headers: bytes, _data: bytes) -> None:
        nonlocal asked
        asked += not published

    def on_job(_subject: bytes, _reply: bytes, _headers: bytes, _data: bytes) -> None:
        nonlocal published
        published = True

    wire = await connect(stack.login)
    wire.subscribe("$JS.API.STREAM.>", on_request)
    wire.subscribe("$JS.API.DIRECT.>", on_request)
    wire.subscribe("$JS.API.CONSUMER.CREATE.>", on_request)
    wire.subscribe("jobs.>", on_job)
    await wire.flush()
    await ask()
    await wire.flush()
    await wire.close()
    if not published:
        raise RuntimeError("the job was never seen on its subject")
    return asked
