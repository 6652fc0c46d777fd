"""A child that ends with its parent, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied_to_parent(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the child gets the signal when its parent dies (prctl(2), PR_SET_PDEATHSIG).

    The tie survives execve(2). If the parent is gone before it is made, the child ends at once.
    """
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie
