"""What runs on a host that the whole fleet needs: broker and controller. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.host.processes import HostProcess

_BROKER = "nats-server"
_PROGRAMS = {"osapi.controller": "a controller", "osapi.broker": "the broker"}


def find(processes: Iterable[HostProcess]) -> list[str]:
    """What there is of them, sorted: `a controller`, `the broker`."""
    return sorted({word for process in processes if (word := _resident(process.command))})


def _resident(command: tuple[str, ...]) -> str | None:
    if command and command[0].rpartition("/")[2] == _BROKER:
        return "the broker"
    if len(command) > 2 and command[1] == "-m":  # as `python -m osapi.controller`
        return _PROGRAMS.get(command[2])
    return None
