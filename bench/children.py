"""Child processes of the bench: started with one JSON argument, ready when they say so, gone when we are.

A player is a module with `async def play(arguments)`, an asynchronous context manager, run by `run_player`.
It ends when its standard input closes, and that happens even when the bench is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parent.parent
_READY = b"ready\n"


class Child:
    """A running player."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, module: str, arguments: dict[str, Any], *, ready_s: float = 60.0) -> Child:
        """Start `python -m module` and wait until it is ready. Raises `RuntimeError` when it is not in time."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, json.dumps(arguments), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        child = cls(process)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(ready_s):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if line != _READY:
            await child.stop()
            raise RuntimeError(f"{module} did not become ready")
        return child

    async def stop(self) -> None:
        """Ask it to end, then kill it. A second call changes nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await end(self._process)


async def end(process: asyncio.subprocess.Process, *, patience_s: float = 5.0) -> None:
    """Wait for a process that was asked to end; kill it when it does not."""
    try:
        async with asyncio.timeout(patience_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def run_player(play: Callable[[dict[str, Any]], AbstractAsyncContextManager[object]]) -> None:
    """Main program of a player module."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), lambda: _at_end(over))
        loop.add_signal_handler(signal.SIGTERM, over.set)
        async with play(json.loads(sys.argv[1])):
            os.write(sys.stdout.fileno(), _READY)
            await over.wait()

    uvloop.run(main())


def _at_end(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        over.set()
