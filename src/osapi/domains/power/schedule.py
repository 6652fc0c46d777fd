"""What to do about a reboot or shutdown, given what is pending. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from osapi.contract.errors import Conflict
from osapi.domains.power.models import PowerRequest
from osapi.host.plan import Plan, Run

SOONEST = timedelta(seconds=5)
"""What the answer needs to get away before the host goes."""
_NEAR = timedelta(minutes=1)
"""A pending one that comes at most this much earlier than asked for is taken for the one asked for."""
_OVERDUE = timedelta(minutes=1)
"""A shutdown that should have begun longer ago than this never will: the note of it was left behind."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MODES = {"shutdown": "poweroff"}
_ACTIONS = {mode: action for action, mode in _MODES.items()}
MANAGER = (
    "busctl",
    "--system",
    "--",
    "call",
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
)
"""See org.freedesktop.login1(5). Not shutdown(8), which goes on at once when it cannot schedule."""


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """A reboot or shutdown at a point in time."""

    action: str
    at: datetime
    message: str = ""

    def __str__(self) -> str:
        return f"{self.action} at {self.at:%Y-%m-%dT%H:%M:%SZ}"


def parse(note: bytes | None, now: datetime) -> Appointment | None:
    """What logind's note says is pending; None when nothing is."""
    lines = (note or b"").decode("utf-8", "replace").splitlines()
    values = {name: value for name, _, value in (line.partition("=") for line in lines)}
    due = values.get("USEC", "")
    if not (due.isascii() and due.isdigit() and len(due) <= 17):
        return None
    at = _EPOCH + timedelta(microseconds=int(due))
    if at < now - _OVERDUE:
        return None
    mode = values.get("MODE", "")
    return Appointment(action=_ACTIONS.get(mode, mode), at=at, message=values.get("WALL_MESSAGE", ""))


def wanted(action: str, request: PowerRequest, now: datetime) -> Appointment:
    """What is asked for."""
    return Appointment(action=action, at=now + max(timedelta(seconds=request.delay), SOONEST), message=request.message)


def fulfils(pending: Appointment | None, asked: Appointment) -> bool:
    """Whether what is pending is what is asked for: the same action, never later, at most a minute earlier."""
    if pending is None or pending.action != asked.action:
        return False
    return asked.at - _NEAR <= pending.at <= asked.at


def decide(asked: Appointment, pending: Appointment | None, *, replace: bool) -> Plan:
    """Schedule it; nothing when it is pending already. Raises `Conflict` when another is, unless `replace`."""
    if fulfils(pending, asked):
        return Plan()
    if pending is not None and not replace:
        raise Conflict(
            f"{pending} is pending on this host; cancel it, or set replace",
            details={"pending": pending.action, "at": pending.at.isoformat()},
        )
    microseconds = (asked.at - _EPOCH) // timedelta(microseconds=1)
    mode = _MODES.get(asked.action, asked.action)
    return Plan(
        (
            Run(argv=(*MANAGER, "SetWallMessage", "sb", asked.message, "true"), privileged=True),
            Run(argv=(*MANAGER, "ScheduleShutdown", "st", mode, str(microseconds)), privileged=True),
        ),
        f"{pending or 'nothing pending'} -> {asked}",
    )


def cancel(pending: Appointment | None) -> Plan:
    """Cancel what is pending, whoever has scheduled it; nothing when nothing is."""
    if pending is None:
        return Plan()
    return Plan((Run(argv=(*MANAGER, "CancelScheduledShutdown"), privileged=True),), f"{pending} -> nothing pending")
