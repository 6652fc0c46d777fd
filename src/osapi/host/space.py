"""Asks a mounted file system for its size, without ever being held up by one that does not answer.

statvfs(3) on a broken mount can block for ever and cannot be interrupted, so it is asked in a thread of its
own. While a thread hangs, whoever asks for the same mount waits for that same thread.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future

from osapi.contract.errors import DeadlineExceeded
from osapi.host.ending import own_thread
from osapi.host.failures import from_os
from osapi.host.figures import DiskSpace

Ask = Callable[[str], os.statvfs_result]
Answer = os.statvfs_result | OSError


class SpaceProbe:
    """Remembers which mounts are being asked."""

    def __init__(self, ask: Ask = os.statvfs) -> None:
        self._ask = ask
        self._asked: dict[str, Future[Answer]] = {}

    async def measure(self, path: str, timeout_s: float) -> DiskSpace:
        """Size and use. Raises `DeadlineExceeded` when there is no answer in time."""
        answer = self._asked.get(path) or self._ask_in_thread(path)
        try:
            async with asyncio.timeout(timeout_s):
                found = await asyncio.shield(asyncio.wrap_future(answer))
        except TimeoutError:
            raise DeadlineExceeded(f"{path} did not answer within {timeout_s:g} s") from None
        if isinstance(found, OSError):
            raise from_os(found, f"cannot measure {path}")
        return _space(found)

    def _ask_in_thread(self, path: str) -> Future[Answer]:
        def work() -> Answer:
            try:
                return self._ask(path)
            except OSError as err:
                return err

        answer = self._asked[path] = own_thread(work, f"statvfs {path}")
        answer.add_done_callback(lambda _: self._asked.pop(path, None))
        return answer


def _space(found: os.statvfs_result) -> DiskSpace:
    return DiskSpace(
        total=found.f_blocks * found.f_frsize,
        free=found.f_bfree * found.f_frsize,
        available=found.f_bavail * found.f_frsize,
        inodes_total=found.f_files,
        inodes_free=found.f_ffree,
        read_only=bool(found.f_flag & os.ST_RDONLY),
    )
