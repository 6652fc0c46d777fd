"""`python -m osapi.agent`: one agent as a process of its own. SIGTERM and SIGINT drain it, exit status 0."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import uvloop

from osapi.agent import failpoints
from osapi.agent.app import Agent
from osapi.agent.foundation import Setup
from osapi.config import source
from osapi.config.load import load
from osapi.config.paths import paths
from osapi.contract.errors import OsapiError
from osapi.domains import discovery
from osapi.telemetry import log, tracing
from osapi.telemetry.readiness import announce_ready


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop. Returns the exit status: 1 when the agent cannot run, with one line that says why."""
    parser = argparse.ArgumentParser(prog="osapi-agent", description="Run the OSAPI agent of this host.")
    parser.add_argument("-f", "--osapi-file", help="settings file")
    chosen = parser.parse_args(arguments)
    try:
        setup = _setup(chosen.osapi_file)
        end_tracing = tracing.begin("agent", setup.settings.telemetry.tracing, debug=setup.settings.debug)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(Agent(setup)))
        finally:
            end_tracing()
    except (OsapiError, ValueError) as problem:
        print(f"osapi agent: {problem}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1
    return 0


def _setup(file: str | None) -> Setup:
    settings = load(source.locate(file, os.environ), os.environ)
    log.configure(log_format=settings.telemetry.log.format, debug=settings.debug, program="agent")
    return Setup(
        settings=settings,
        paths=paths(settings),
        domains=discovery,
        fail_points=failpoints.from_environment(os.environ),
        now=lambda: datetime.now(UTC),
    )


async def _serve(agent: Agent) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    starting = asyncio.ensure_future(agent.start())
    waiting = asyncio.ensure_future(told.wait())
    await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        announce_ready()
        await waiting
    else:
        starting.cancel()
        await asyncio.wait((starting,))
    await agent.stop()


if __name__ == "__main__":
    sys.exit(main())
