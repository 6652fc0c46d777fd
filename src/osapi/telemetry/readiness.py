"""Telling whoever started this program that it is ready: systemd, or `osapi start`.

The protocol is that of sd_notify(3): a datagram to the socket named in $NOTIFY_SOCKET.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

VARIABLE = "NOTIFY_SOCKET"


def announce_ready(environ: MutableMapping[str, str] | None = None) -> bool:
    """Say READY=1, once: the variable is removed, so that no child repeats it. Returns whether anybody was told."""
    environ = os.environ if environ is None else environ
    name = environ.pop(VARIABLE, "")
    if not name:
        return False
    address = f"\0{name[1:]}" if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
            out.sendto(b"READY=1", address)
    except OSError:
        return False  # whoever started us has gone or is not listening; that is no reason to stop
    return True
