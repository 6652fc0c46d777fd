"""P5: 2,000 agents on one default broker, and what each costs it to join."""

from __future__ import annotations

import asyncio

from bench import fanout, proc
from bench.report import Line
from bench.setting import Setting
from bench.stack import Stack, running
from bench.wire import connect

WARM_UP = 100
_SETTLE_S = 2.0


async def measure(setting: Setting) -> list[Line]:
    """Real connections with an agent's subscriptions, its open pull, and its record in the registry."""
    count = setting.count(2000, 500)
    async with running(setting.folder / "p5", agents=0) as stack:
        playing = {"mode": "join", "public_key": str(stack.public_key)}
        async with fanout.players(WARM_UP, stack.agent_login, playing, offset=1_000_000):
            await asyncio.sleep(_SETTLE_S)
            memory, used = proc.rss_bytes(stack.broker_pid), proc.cpu_s(stack.broker_pid)
            async with fanout.players(count, stack.agent_login, playing):
                used = proc.cpu_s(stack.broker_pid) - used
                await asyncio.sleep(_SETTLE_S)
                memory = proc.rss_bytes(stack.broker_pid) - memory
                joined = await _connections(stack)
    return [
        Line(
            number="P5", figure="agents on one default broker", measured=joined - WARM_UP, unit="agents",
            goal=count, at_least=True, note="as the registry has them",
        ),
        Line(
            number="P5", figure="broker memory per join", measured=memory / count / 1024, unit="KB", goal=60,
            note="growth of resident memory; connection, 8 subscriptions, open pull, registry record",
        ),
        Line(
            number="P5", figure="broker CPU per join", measured=used / count * 1e3, unit="ms", goal=0.6,
            note="with the check of the nkey and the registry record on disk",
        ),
    ]  # fmt: skip


async def _connections(stack: Stack) -> int:
    """Agents with a record that is alive."""
    wire = await connect(stack.login)
    wire.listen_for_answers()
    info = await wire.ask("$JS.API.STREAM.INFO.KV_agent-registry", {})
    await wire.close()
    return int(info["state"]["num_subjects"])
