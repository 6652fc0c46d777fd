"""P8: the processor time of one command of the command line, and what it must not import."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.report import Line, yes_or_no
from bench.setting import Setting
from bench.stack import Stack, running
from bench.stats import in_turns

FORBIDDEN = (
    "osapi.controller", "osapi.agent", "osapi.broker", "osapi.transport", "osapi.host", "nats", "starlette", "uvicorn",
    "httpx", "httpx2", "aiohttp", "anyio", "uvloop",
)  # fmt: skip
_PROGRAM = Path(sys.executable).with_name("osapi")


async def measure(setting: Setting) -> list[Line]:
    """A question to one host, answered by a real controller, in turns with a Python that does nothing."""
    async with running(setting.folder / "p8", agents=1) as stack:
        environment = _environment(stack)
        command = [str(_PROGRAM), "client", "node", "hostname", "get", "--target", stack.agents[0].machine, "--json"]
        samples = await in_turns(
            {
                "nothing": _cpu_of([sys.executable, "-c", "pass"], environment),
                "query": _cpu_of(command, environment),
                "jobs": _cpu_of([str(_PROGRAM), "client", "job", "list", "--json"], environment),
            },
            rounds=setting.count(20, 6), warm_up=2,
        )  # fmt: skip
        imported = await asyncio.to_thread(_imports, command, environment)
    wrong = sorted(
        name for name in imported if name.startswith(tuple(f"{bad}." for bad in FORBIDDEN)) or name in FORBIDDEN
    )
    nothing = samples["nothing"]
    return [
        *(
            Line(
                number="P8", figure=f"{figure}, CPU", measured=samples[name].median, unit="ms",
                against="python -c pass", held=nothing.median, goal=5,
                note=f"in ms: {samples[name].spread}; python {nothing.spread}",
            )
            for name, figure in (("query", "osapi client node hostname get"), ("jobs", "osapi client job list"))
        ),
        yes_or_no(
            "P8", "modules of server, NATS or async HTTP imported", len(wrong),
            ", ".join(wrong) or f"none of {len(imported)} modules",
        ),
    ]  # fmt: skip


def _cpu_of(command: list[str], environment: dict[str, str]) -> Callable[[], Awaitable[float]]:
    async def probe() -> float:
        return await asyncio.to_thread(_run, command, environment)

    return probe


def _run(command: list[str], environment: dict[str, str]) -> float:
    """Run it; user and system time in milliseconds (wait4(2)). Raises `RuntimeError` when it fails."""
    devnull = os.open(os.devnull, os.O_RDWR)
    try:
        pid = os.posix_spawn(
            command[0], command, environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, devnull, 0), (os.POSIX_SPAWN_DUP2, devnull, 1)],
        )  # fmt: skip
    finally:
        os.close(devnull)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return (used.ru_utime + used.ru_stime) * 1e3


def _imports(command: list[str], environment: dict[str, str]) -> set[str]:
    """Every module that the command imports, as `-X importtime` lists them."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *command], env=environment, capture_output=True, text=True, check=True
    ).stderr
    lines = (line for line in told.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def _environment(stack: Stack) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(stack.paths.data_dir),
        "OSAPI_CONTROLLER_CLIENT_URL": stack.api.url,
        "OSAPI_CONTROLLER_CLIENT_TLS_CA": stack.api.ca_file,
        "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": stack.token,
    }
