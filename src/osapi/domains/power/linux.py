"""Reboot and shutdown by systemd-logind, on any Linux that runs it; see org.freedesktop.login1(5)."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from osapi.contract.errors import MissingTool, Permanent, Protected, Unsupported
from osapi.contract.operation import Nothing
from osapi.domains.power import absence, residents, schedule
from osapi.domains.power.absence import Absence
from osapi.domains.power.models import PowerChange, PowerRequest, PowerStatus, RebootRequest, ShutdownRequest
from osapi.domains.power.provider import PowerProvider
from osapi.domains.power.schedule import Appointment
from osapi.host import systemd
from osapi.host.door import Host

NOTE = "/run/systemd/shutdown/scheduled"
"""logind writes it when it schedules a shutdown and removes it when that is cancelled."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class LinuxPower:
    """Lets a host go down."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def reboot(self, request: RebootRequest, /) -> PowerChange:
        """Reboot after the delay. A second call changes nothing while the first is pending."""
        boot_id = await self._boot_id()
        change = await self._schedule("reboot", request)
        if request.wait_for_return and not self._host.check_mode:
            raise absence.begins(Absence(boot_id, change.at or self._host.now(), change), request)
        return change

    async def returned(self, request: RebootRequest, note: dict[str, Any], /) -> PowerChange:
        """Whether the host is back from the reboot, which its boot id tells."""
        away = msgspec.convert(note, Absence)
        return absence.judge(away, request, await self._boot_id(), await self._pending(), self._host.now())

    async def shutdown(self, request: ShutdownRequest, /) -> PowerChange:
        """Switch off after the delay. A second call changes nothing while the first is pending."""
        return await self._schedule("shutdown", request)

    async def cancel(self, _: Nothing, /) -> PowerChange:
        """Cancel what is pending. A second call changes nothing."""
        await self._need_logind()
        plan = schedule.cancel(await self._pending())
        applied = await self._host.apply(plan)
        if not self._host.check_mode and (left := await self._pending()) is not None:
            raise Permanent(f"{left} is still pending after it was cancelled", code="apply_failed")
        return PowerChange(changed=applied.changed, diff=applied.diff, action="cancel")

    async def get(self, _: Nothing, /) -> PowerStatus:
        """What is pending, and which boot this is."""
        pending, boot_id = await self._pending(), await self._boot_id()
        if pending is None:
            return PowerStatus(pending=False, boot_id=boot_id)
        return PowerStatus(pending=True, boot_id=boot_id, action=pending.action, at=pending.at, message=pending.message)

    async def _schedule(self, action: str, request: PowerRequest) -> PowerChange:
        await self._need_logind()
        await self._spare_the_fleet(action, request)
        now, pending = self._host.now(), await self._pending()
        asked = schedule.wanted(action, request, now)
        plan = schedule.decide(asked, pending, replace=request.replace)
        applied = await self._host.apply(plan)
        if plan.changes:
            await self._check(asked)
        comes = asked if plan.changes else pending or asked
        left_s = max(0, math.ceil((comes.at - now).total_seconds()))
        return PowerChange(changed=applied.changed, diff=applied.diff, action=action, delay=left_s, at=comes.at)

    async def _check(self, asked: Appointment) -> None:
        if not self._host.check_mode and not schedule.fulfils(await self._pending(), asked):
            raise Permanent(f"{asked} was accepted, but is not pending", code="apply_failed")

    async def _spare_the_fleet(self, action: str, request: PowerRequest) -> None:
        found = [] if request.force else residents.find(await self._host.processes())
        if found:
            raise Protected(f"this host runs {' and '.join(found)}, which the fleet needs; set force to {action} it")

    async def _boot_id(self) -> str:
        return (await self._host.read(_BOOT_ID) or b"").decode("ascii", "replace").strip()

    async def _pending(self) -> Appointment | None:
        return schedule.parse(await self._host.read(NOTE), self._host.now())

    async def _need_logind(self) -> None:
        if not await systemd.runs(self._host):
            raise Unsupported("this host is not run by systemd, which schedules reboots and shutdowns")
        if not await systemd.has_bus(self._host):
            raise MissingTool("dbus is not installed on this host or does not run; systemd-logind needs it")


def provider(host: Host) -> PowerProvider:
    """A provider for one job."""
    return LinuxPower(host)
