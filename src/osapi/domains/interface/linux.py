"""Network interfaces of any Linux: read from the kernel, configured by netplan where it is installed."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import NotFound, Permanent
from osapi.contract.operation import Nothing
from osapi.domains.interface import decisions, report
from osapi.domains.interface.decisions import KIND
from osapi.domains.interface.models import (
    InterfaceChange,
    InterfaceCreate,
    InterfaceFound,
    InterfaceInfo,
    InterfaceList,
    InterfaceRef,
    InterfaceUpdate,
)
from osapi.domains.interface.provider import InterfaceProvider
from osapi.host import links
from osapi.host.door import Host
from osapi.host.links import Link
from osapi.host.plan import Plan
from osapi.netplan import change, seen
from osapi.netplan.tree import Sections


class LinuxInterface:
    """Shows and configures network interfaces."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def entries(self, _: Nothing, /) -> InterfaceList:
        """Every interface but loopback, in the kernel's order."""
        found = await links.links(self._host)
        return InterfaceList(interfaces=await self._infos(link for link in found if not link.is_loopback))

    async def get(self, request: InterfaceRef, /) -> InterfaceFound:
        """One interface, loopback too. Raises `NotFound`."""
        found = [link for link in await links.links(self._host) if link.name == request.name]
        if not found:
            raise NotFound(f"there is no interface {request.name} on this host")
        (interface,) = await self._infos(found)
        return InterfaceFound(interface=interface)

    async def create(self, request: InterfaceCreate, /) -> InterfaceChange:
        """Configure an interface, on trial. A second call changes nothing; see `decisions.create` for refusals."""
        return await self._apply(request.name, decisions.create(request, await self._look(request.name)))

    async def update(self, request: InterfaceUpdate, /) -> InterfaceChange:
        """Change the configuration of a managed interface, on trial. A second call changes nothing."""
        return await self._apply(request.name, decisions.update(request, await self._look(request.name)))

    async def delete(self, request: InterfaceRef, /) -> InterfaceChange:
        """Remove the configuration, on trial. A second call changes nothing."""
        return await self._apply(request.name, change.drop(await self._look(request.name)))

    async def _look(self, name: str) -> seen.Seen:
        return await seen.look(self._host, KIND, name)

    async def _apply(self, name: str, plan: Plan) -> InterfaceChange:
        applied = await self._host.apply(plan)
        return InterfaceChange(changed=applied.changed, diff=applied.diff, name=name)

    async def _infos(self, found: Iterable[Link]) -> list[InterfaceInfo]:
        routes, sections = await links.routes(self._host), await self._sections()
        managed = await seen.managed(self._host, KIND)
        return [report.info(link, routes, sections, managed) for link in found]

    async def _sections(self) -> Sections:
        """What netplan is told; nothing when a file of it cannot be read, which concerns changes only."""
        try:
            return (await seen.read(self._host)).merged()
        except Permanent:
            return {}


def provider(host: Host) -> InterfaceProvider:
    """A provider for one job."""
    return LinuxInterface(host)
