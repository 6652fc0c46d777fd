"""Capabilities of this process, which it keeps to itself. See capabilities(7)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_PR_CAP_AMBIENT = 47
_CLEAR_ALL = 4


def effective() -> int:
    """The capabilities that count now, as a number whose bits they are: CapEff of proc_pid_status(5)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def keep_to_ourselves() -> None:
    """From now on no program that is started inherits them: the ambient set is emptied, prctl(2). Needs no privilege."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
