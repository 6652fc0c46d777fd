"""P7: what agent and controller keep in memory, and what an idle agent does to a processor."""

from __future__ import annotations

import asyncio
import time

from bench import proc
from bench.client import connections
from bench.report import Line
from bench.setting import Setting
from bench.stack import running

_MEGABYTE = 1e6
_SETTLE_S = 3.0


async def measure(setting: Setting) -> list[Line]:
    """Some jobs to warm up, then nothing but heartbeats for a while."""
    async with running(setting.folder / "p7", agents=1) as stack:
        agent = stack.agents[0]
        async with connections(1, stack.api, stack.token) as [connection]:
            for _ in range(200):
                await connection.ok(f"/api/node/{agent.machine}/hostname")
        await asyncio.sleep(_SETTLE_S)
        begin, used = time.perf_counter(), proc.precise_cpu_s(agent.pid)
        await asyncio.sleep(setting.count(30, 20))
        share = (proc.precise_cpu_s(agent.pid) - used) / (time.perf_counter() - begin)
        memory = {pid: (proc.rss_bytes(pid), proc.pss_bytes(pid)) for pid in (agent.pid, stack.controller_pid)}
    (agent_rss, agent_pss), (controller_rss, controller_pss) = memory.values()
    return [
        Line(
            number="P7", figure="agent, resident memory", measured=agent_rss / _MEGABYTE, unit="MB", goal=36,
            note=f"idle after 200 jobs; proportional share {agent_pss / _MEGABYTE:.1f} MB",
        ),
        Line(
            number="P7", figure="idle agent, share of a core", measured=share * 100, unit="%", goal=0.1,
            note="heartbeats every 10 s as by default",
        ),
        Line(
            number="P7", figure="controller, resident memory", measured=controller_rss / _MEGABYTE, unit="MB", goal=90,
            note=f"proportional share {controller_pss / _MEGABYTE:.1f} MB",
        ),
    ]  # fmt: skip
