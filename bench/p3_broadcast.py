"""P3: a broadcast to 30 real agents on this machine, and what it costs on the server's side."""

from __future__ import annotations

import json

from bench import base, proc
from bench.client import Connection, connections
from bench.report import Line
from bench.setting import Setting
from bench.stack import running
from bench.stats import in_turns, timed

AGENTS = 30


async def measure(setting: Setting) -> list[Line]:
    """Ask everybody for the host name; the answer comes when the last host has answered."""
    async with (
        running(setting.folder / "p3", agents=AGENTS) as stack,
        base.prepared(stack.login) as least,
        connections(1, stack.api, stack.token) as [connection],
    ):
        servers = (stack.broker_pid, stack.controller_pid)
        rounds = setting.count(100, 30)

        async def everybody() -> None:
            await ask_all(connection, "_all", AGENTS)

        samples = await in_turns({"osapi": timed(everybody), "base": timed(least.once)}, rounds=rounds, warm_up=5)
        before = proc.cpu_s(*servers)
        for _ in range(rounds):
            await everybody()
        used = proc.cpu_s(*servers) - before
    return [
        Line(
            number="P3", figure=f"broadcast to {AGENTS} agent processes, last answer, p50",
            measured=samples["osapi"].median, unit="ms", goal=40.0,
            note=f"in ms: {samples['osapi'].spread}; BASE {samples['base'].spread}",
        ),
        Line(
            number="P3", figure="server-side CPU per host and operation", measured=used / rounds / AGENTS * 1e3,
            unit="ms", goal=0.4, note=f"broker and controller, user and system, over {rounds} broadcasts",
        ),
    ]  # fmt: skip


async def ask_all(connection: Connection, target: str, hosts: int) -> None:
    """Ask a target for the host name. Raises `RuntimeError` unless that many hosts answer well."""
    results = json.loads(await connection.ok(f"/api/node/{target}/hostname"))["results"]
    good = sum(result["status"] == "ok" for result in results)
    if good != hosts:
        raise RuntimeError(f"{good} of {hosts} hosts answered; the first: {results[:1]}")
