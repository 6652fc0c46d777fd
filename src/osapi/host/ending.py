"""Blocking work, and work that is not left half done when the one who waits for it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from osapi.contract.errors import DeadlineExceeded

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work; a cancellation meanwhile takes effect when it is over. Only for work that is short."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(task)
        raise


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a thread, to its end, so that nobody goes on while it still changes things."""
    return await to_the_end(asyncio.to_thread(work))


async def in_own_thread(work: Callable[[], T], name: str, timeout_s: float) -> T:
    """Do blocking work that may hang, and that changes nothing. Raises `DeadlineExceeded` when it does hang."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.wrap_future(own_thread(work, name))
    except TimeoutError:
        raise DeadlineExceeded(f"reading {name} took longer than {timeout_s:g} s") from None


def own_thread(work: Callable[[], T], name: str) -> Future[T]:
    """Do blocking work in a thread of its own, which neither waits for other work nor holds up the exit.

    For what may hang, and for what must not wait behind it.
    """
    result = Future[T]()
    result.set_running_or_notify_cancel()  # so that one who stops waiting does not close it to the thread

    def work_and_tell() -> None:
        try:
            result.set_result(work())
        except BaseException as err:  # noqa: BLE001 - goes to whoever waits
            result.set_exception(err)

    threading.Thread(target=work_and_tell, name=name, daemon=True).start()
    return result
