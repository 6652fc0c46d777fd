"""The time zone of any Linux: read from /etc/localtime, set by timedated where it runs, by that link otherwise.

See localtime(5), timedatectl(1). timedated is asked over D-Bus, so both must be there.
"""

from __future__ import annotations

from osapi.contract.errors import Permanent
from osapi.contract.operation import Nothing
from osapi.domains.timezone import decisions, zones
from osapi.domains.timezone.decisions import LINK, NAME, Seen
from osapi.domains.timezone.models import Timezone, TimezoneChange, TimezoneUpdate
from osapi.domains.timezone.provider import TimezoneProvider
from osapi.host import systemd
from osapi.host.door import Host

_NOTE = "programs that run keep the former zone until they are restarted, cron and loggers among them"


class LinuxTimezone:
    """Shows and sets the time zone."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, _: Nothing, /) -> Timezone:
        """The zone in force, and its difference from UTC now."""
        seen = await self._look()
        content = await self._host.read(LINK, follow=True)
        if content is None and (seen.zone in zones.UTC or seen.target is None):
            return Timezone(timezone=seen.zone, utc_offset="+00:00")
        return Timezone(timezone=seen.zone, utc_offset=zones.utc_offset(content or b"", self._host.now()))

    async def update(self, request: TimezoneUpdate, /) -> TimezoneChange:
        """Set the zone. A second call changes nothing; see `decisions.check_zone` for refusals."""
        zone = request.timezone
        content = await self._zone_file(zone)
        decisions.check_zone(zone, content, has_database=await self._host.stat(zones.DATABASE) is not None)
        applied = await self._host.apply(decisions.decide(zone, await self._look()))
        if applied.changed and not self._host.check_mode:
            await self._complete(zone)
        return TimezoneChange(
            changed=applied.changed, diff=applied.diff, timezone=zone, note=_NOTE if applied.changed else ""
        )

    async def _complete(self, zone: str) -> None:
        """Do what timedated left: it keeps /etc/timezone on Debian and not elsewhere."""
        seen = await self._look()
        if not decisions.leads_to(zone, seen):
            raise Permanent(f"{LINK} does not lead to {zone} after the change", code="apply_failed")
        await self._host.apply(decisions.decide(zone, seen))

    async def _zone_file(self, zone: str) -> bytes | None:
        """Its content; None for what is not there or no file, such as the directory `Europe`."""
        try:
            return await self._host.read(zones.path_of(zone), follow=True)
        except Permanent:
            return None

    async def _look(self) -> Seen:
        name = await self._host.read(NAME, follow=True)
        return Seen(
            target=await self._host.read_link(LINK),
            has_file=await self._host.stat(LINK) is not None,
            name=None if name is None else name.decode("utf-8", "replace").strip(),
            has_timedated=await self._has_timedated(),
        )

    async def _has_timedated(self) -> bool:
        if self._host.which("timedatectl") is None or not await systemd.runs(self._host):
            return False
        return await systemd.has_bus(self._host)


def provider(host: Host) -> TimezoneProvider:
    """A provider for one job."""
    return LinuxTimezone(host)
