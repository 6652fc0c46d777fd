"""What the power operations need where the agent is not root: see org.freedesktop.login1(5)."""

from __future__ import annotations

from osapi.domains.power.schedule import MANAGER
from osapi.host.grants import Program

_CALL = " ".join(MANAGER[1:])


def _may(call: str, example: str = "") -> Program:
    return Program(path="/usr/bin/busctl", arguments=f"{_CALL} {call}", example=f"{_CALL} {example or call}")


PRIVILEGES = (
    _may("SetWallMessage sb .* true", "SetWallMessage sb maintenance true"),
    _may("ScheduleShutdown st (poweroff|reboot) [0-9]+", "ScheduleShutdown st reboot 1767225600000000"),
    _may("CancelScheduledShutdown"),
)
