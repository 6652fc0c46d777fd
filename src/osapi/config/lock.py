"""One program at a time on one folder: an advisory lock (flock(2)) that ends with its holders."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from osapi.contract.errors import Conflict, Invalid

_POLL_S = 0.05


class Lock:
    """Held from creation until `release`, or until the process and those that inherited `descriptor` are gone.

    Raises `Conflict`, naming the holder, when it is still held after `patience_s`; that is the time given
    to a child that outlives its parent for a moment. `what` names the locked thing for the message.
    """

    def __init__(self, path: Path, what: str, *, patience_s: float = 0.0) -> None:
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise Invalid(f"{path} cannot be written: {problem.strerror}") from problem
        try:
            self._take(what, time.monotonic() + patience_s)
        except Conflict:
            os.close(self.descriptor)
            raise

    def release(self) -> None:
        """Let others have it. A second call changes nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _take(self, what: str, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(self.descriptor, 32, 0).decode(errors="replace").strip()
                if time.monotonic() >= deadline or _alive(holder):
                    raise Conflict(f"{what} is in use by process {holder or 'unknown'}; stop it first") from None
                time.sleep(_POLL_S)
            else:
                os.ftruncate(self.descriptor, 0)
                os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)
                return


def _alive(holder: str) -> bool:
    """Whether the process that took the lock still runs; if not, only a child of it holds on."""
    return holder.isdigit() and Path(f"/proc/{holder}").exists()
