"""A host on its way through a reboot, and how that ends. Pure.

The kernel makes a new boot id at each start (random(4)); another one than before the reboot means that it is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from osapi.contract.errors import Conflict, DeadlineExceeded
from osapi.contract.operation import Later
from osapi.domains.power.models import PowerChange, RebootRequest
from osapi.domains.power.schedule import Appointment

_LATE = timedelta(seconds=2)
"""A reboot that nobody plans any more just before it is due is not taken for one that was cancelled: it has begun."""


class Absence(msgspec.Struct, frozen=True):
    """What is remembered over the reboot: the boot before, when it ends, and the answer there would be without waiting."""

    boot_id: str
    at: datetime
    change: PowerChange


def begins(absence: Absence, request: RebootRequest) -> Later:
    """The end comes when the host is back, at the latest `return_timeout` after it went."""
    return Later(msgspec.to_builtins(absence), absence.at + timedelta(seconds=request.return_timeout))


def judge(
    absence: Absence, request: RebootRequest, boot_id: str, pending: Appointment | None, now: datetime
) -> PowerChange:
    """The answer of a host that is back; raises `Later` while it is not.

    Raises `DeadlineExceeded` when it is back too late, `Conflict` when the reboot was cancelled or replaced.
    """
    if boot_id != absence.boot_id:
        return _back(absence.change, request, boot_id, (now - absence.at).total_seconds())
    if now < absence.at - _LATE and (pending is None or pending.action != "reboot"):
        raise Conflict(
            f"the host will not come back from the reboot: {pending or 'it was cancelled, nothing'} is pending"
        )
    raise begins(absence, request)


def _back(change: PowerChange, request: RebootRequest, boot_id: str, away_s: float) -> PowerChange:
    done = msgspec.structs.replace(change, away_s=round(away_s, 1), boot_id=boot_id)
    if away_s > request.return_timeout:
        raise DeadlineExceeded(
            f"the host is back after {away_s:.0f} s; {request.return_timeout} s were allowed (return_timeout)",
            details=msgspec.to_builtins(done),
        )
    return done
