"""`python -m osapi.controller`: one controller as a process of its own, or its OpenAPI document.

SIGTERM and SIGINT let requests finish; the exit status is then 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from osapi.config.load import load
from osapi.config.paths import paths
from osapi.contract.errors import OsapiError
from osapi.controller import asgi
from osapi.controller.app import Controller
from osapi.domains import discovery
from osapi.telemetry import log, tracing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop. Returns the exit status: 1 when it cannot run, with one line that says why."""
    parser = argparse.ArgumentParser(prog="osapi-controller", description="Serve the REST API of OSAPI.")
    parser.add_argument("-f", "--osapi-file", type=Path, help="settings; without it those of the environment")
    parser.add_argument("command", nargs="?", choices=["serve", "openapi"], default="serve")
    chosen = parser.parse_args(arguments)
    if chosen.command == "openapi":
        print(msgspec.json.format(asgi.document(discovery.operations())).decode())  # noqa: T201 - what was asked for
        return 0
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(chosen.osapi_file))
    except OsapiError as problem:
        print(f"osapi controller: {problem.message}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1
    return 0


async def _serve(file: Path | None) -> None:
    settings = load(file, os.environ)
    log.configure(log_format=settings.telemetry.log.format, debug=settings.debug, program="controller")
    operations = {operation.name: operation for operation in discovery.operations()}
    end_tracing = tracing.begin("controller", settings.telemetry.tracing, debug=settings.debug)
    controller = Controller(settings, paths(settings), operations)
    running = asyncio.create_task(controller.run())

    def end() -> None:
        controller.stop()
        if not controller.is_serving:
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        with contextlib.suppress(asyncio.CancelledError):  # told to stop before it had started
            await running
    finally:
        end_tracing()


if __name__ == "__main__":
    sys.exit(main())
