"""Background tasks with an owner who can end them. What they raise is logged, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


class Tasks:
    """The running tasks of one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` until it ends or the owner ends it."""
        task = asyncio.get_running_loop().create_task(_guarded(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: work.close())  # if it was ended before its first step
        return task

    async def settle(self, timeout_s: float) -> bool:
        """Wait until all have ended by themselves; False when `timeout_s` seconds were not enough."""
        if not self._running:
            return True
        _, pending = await asyncio.wait(self._running, timeout=timeout_s)
        return not pending

    async def cancel(self, timeout_s: float = 5.0) -> None:
        """End all and wait for their end; those that do not end in time are named and left behind.

        A second call changes nothing.
        """
        for task in self._running:
            task.cancel()
        if self._running:
            _, stuck = await asyncio.wait(self._running, timeout=timeout_s)
            for task in stuck:
                _log.error("task.stuck", task=task.get_name())


async def _guarded(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception as problem:  # noqa: BLE001 - the border of a task
        _log.exception("task.crashed", problem, task=name)
