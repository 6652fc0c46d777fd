"""NTP servers on Debian and its descendants, by chrony: one file in /etc/chrony/sources.d.

Before anything is changed, chrony must run; afterwards it must know each server, for it says nothing about a line
that it cannot use.
"""

from __future__ import annotations

from osapi.contract.errors import MissingTool, Permanent
from osapi.contract.operation import Nothing
from osapi.deploy.deployer import Deployer
from osapi.domains.ntp import chrony, decisions
from osapi.domains.ntp.decisions import Found
from osapi.domains.ntp.models import NtpChange, NtpCreate, NtpSource, NtpStatus, NtpUpdate
from osapi.domains.ntp.provider import NtpProvider
from osapi.host.door import Host
from osapi.host.plan import Plan

_CONF_D = "/etc/chrony/conf.d"


class DebianNtp:
    """Keeps servers and shows how the clock fares."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def get(self, _: Nothing, /) -> NtpStatus:
        """What chrony follows, and what it thinks of every source. Raises as `_ask` does."""
        tracking = chrony.tracking(await self._ask(chrony.TRACKING))
        sources = await self._sources()
        return NtpStatus(
            synchronized=tracking.is_synchronized,
            stratum=tracking.stratum,
            offset=chrony.seconds(tracking.ahead_s) if tracking.is_synchronized else "",
            current_source=tracking.source,
            servers=chrony.names(sources),
            managed=(await self._look()).servers,
            sources=sources,
        )

    async def create(self, request: NtpCreate, /) -> NtpChange:
        """Set servers. A second call changes nothing; see `decisions.create` for refusals."""
        await self._ask(chrony.TRACKING)
        return await self._apply(request.servers, decisions.create(request, await self._look()))

    async def update(self, request: NtpUpdate, /) -> NtpChange:
        """Set other servers. A second call changes nothing."""
        await self._ask(chrony.TRACKING)
        return await self._apply(request.servers, decisions.update(request, await self._look()))

    async def delete(self, _: Nothing, /) -> NtpChange:
        """Remove them. A second call changes nothing."""
        await self._ask(chrony.TRACKING)
        return await self._apply([], decisions.delete(await self._look()))

    async def _apply(self, servers: list[str], plan: Plan) -> NtpChange:
        applied = await self._host.apply(plan)
        if servers and applied.changed and not self._host.check_mode:
            await self._check(servers)
        return NtpChange(changed=applied.changed, diff=applied.diff, servers=servers)

    async def _check(self, servers: list[str]) -> None:
        known = chrony.names(await self._sources())
        missing = [server for server in servers if server not in known]
        if missing:
            raise Permanent(f"chrony did not take {', '.join(missing)}; see its journal", code="apply_failed")

    async def _sources(self) -> list[NtpSource]:
        return chrony.sources(await self._ask(chrony.SOURCES))

    async def _look(self) -> Found:
        paths = [chrony.CONFIGURATION]
        paths += [f"{_CONF_D}/{name}" for name in await self._host.list_dir(_CONF_D) if name.endswith(".conf")]
        contents = [await self._host.read(path, follow=True) for path in paths]
        return Found(file=await self._deployer.look_at(chrony.PATH), is_read=any(map(chrony.reads_our_file, contents)))

    async def _ask(self, argv: tuple[str, ...]) -> bytes:
        """What chronyc prints. Raises `MissingTool`, and `Permanent` (`not_running`) when chrony does not answer."""
        try:
            completed = await self._host.run(argv)
        except MissingTool as problem:
            raise MissingTool(f"{problem.message}; install the package chrony") from problem
        if completed.exit_code != 0:
            words = (completed.stdout or completed.stderr).decode("utf-8", "replace").strip()
            raise Permanent(f"chrony does not answer ({words}); start it: systemctl start chrony", code="not_running")
        return completed.stdout


def provider(host: Host) -> NtpProvider:
    """A provider for one job."""
    return DebianNtp(host)
