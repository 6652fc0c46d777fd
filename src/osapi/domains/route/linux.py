"""Routes of any Linux: read from the kernel, static ones kept by netplan where it is installed."""

from __future__ import annotations

from osapi.contract.errors import NotFound
from osapi.contract.operation import Nothing
from osapi.domains.route import decisions
from osapi.domains.route.decisions import KIND
from osapi.domains.route.models import Route, RouteChange, RouteCreate, RouteQuery, RouteReport, RouteUpdate
from osapi.domains.route.provider import RouteProvider
from osapi.host import links
from osapi.host.door import Host
from osapi.host.plan import Plan
from osapi.netplan import change, seen


class LinuxRoute:
    """Shows routes and keeps static ones."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def entries(self, _: Nothing, /) -> RouteReport:
        """Every route of the main table, and managed ones that the kernel does not have."""
        return RouteReport(routes=decisions.infos(await links.routes(self._host), await self._kept()))

    async def get(self, request: RouteQuery, /) -> RouteReport:
        """The same for one interface. Raises `NotFound` when there is none of that name."""
        name = request.interface_name
        if all(link.name != name for link in await links.links(self._host)):
            raise NotFound(f"there is no interface {name} on this host")
        report = await self.entries(Nothing())
        return RouteReport(routes=[route for route in report.routes if route.interface == name])

    async def create(self, request: RouteCreate, /) -> RouteChange:
        """Keep static routes, on trial. A second call changes nothing; see `decisions.create` for refusals."""
        name = request.interface_name
        return await self._apply(name, decisions.create(request, await self._look(name)))

    async def update(self, request: RouteUpdate, /) -> RouteChange:
        """Replace the routes that are kept, on trial. A second call changes nothing."""
        name = request.interface_name
        return await self._apply(name, decisions.update(request, await self._look(name)))

    async def delete(self, request: RouteQuery, /) -> RouteChange:
        """Remove the routes that are kept, on trial. A second call changes nothing."""
        name = request.interface_name
        return await self._apply(name, change.drop(await self._look(name)))

    async def _look(self, name: str) -> seen.Seen:
        return await seen.look(self._host, KIND, name)

    async def _apply(self, name: str, plan: Plan) -> RouteChange:
        applied = await self._host.apply(plan)
        return RouteChange(changed=applied.changed, diff=applied.diff, interface=name)

    async def _kept(self) -> dict[str, list[Route]]:
        """The routes that OSAPI keeps, by interface."""
        noted = await seen.managed(self._host, KIND)
        return {name: decisions.managed(metadata["config"]) for name, metadata in noted.items()}


def provider(host: Host) -> RouteProvider:
    """A provider for one job."""
    return LinuxRoute(host)
