"""Lets a nats-server that somebody else runs read its configuration again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from osapi.contract.errors import Invalid, Unavailable

DEADLINE_S = 10.0
"""How long a command may take."""
_PROGRAM = "nats-server"

Reload = Callable[[], Awaitable[None]]
"""Raises `Invalid` or `Unavailable` when the server was not told."""


def by_pid_file(path: Path) -> Reload:
    """SIGHUP to the process whose number is in the file (`pid_file` of nats-server's configuration).

    The process must be called nats-server: the file of one that was killed may by now name somebody else's.
    """

    async def reload() -> None:
        _hang_up(path)

    return reload


def by_command(words: Sequence[str]) -> Reload:
    """Run a program; status 0 means that the server was told. It has `DEADLINE_S`."""

    async def reload() -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as problem:
            raise Invalid(f"{words[0]} cannot be run: {problem.strerror}") from problem
        await _finished(process, words[0])

    return reload


def _hang_up(path: Path) -> None:
    try:
        number = int(path.read_text())
        name = Path(f"/proc/{number}/comm").read_text().rstrip("\n")  # proc_pid_comm(5)
        if name != _PROGRAM:
            raise Invalid(f"{path}: process {number} is {name}, not {_PROGRAM}; nothing was sent to it")
        os.kill(number, signal.SIGHUP)
    except FileNotFoundError as problem:
        raise Unavailable(f"{path}: nats-server is not running ({problem.filename} is missing)") from problem
    except (OSError, ValueError) as problem:
        raise Unavailable(f"{path}: nats-server cannot be told: {problem}") from problem


async def _finished(process: asyncio.subprocess.Process, name: str) -> None:
    try:
        _, complaint = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    except BaseException as problem:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if isinstance(problem, TimeoutError):
            raise Unavailable(f"{name} has not ended within {DEADLINE_S:g} s") from problem
        raise
    if process.returncode:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2] or "no reason given"
        raise Unavailable(f"{name} ended with status {process.returncode}: {last}")
