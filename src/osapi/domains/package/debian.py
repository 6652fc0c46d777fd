"""Packages on Debian and its descendants: dpkg-query(1) tells what is there, apt-get(8) plans and acts.

Nothing is changed before apt-get has simulated it. Questions are never asked: the answers are debconf's
defaults, and configuration files that somebody has changed are kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import NotFound
from osapi.contract.operation import Nothing
from osapi.domains.package import apt, decisions, holding, repairing, upgrading
from osapi.domains.package.apt import Order, Simulation
from osapi.domains.package.dpkg import Package
from osapi.domains.package.driver import Driver
from osapi.domains.package.models import (
    ListsChange,
    PackageChange,
    PackageInfo,
    PackageInstall,
    PackageList,
    PackageName,
    PackageRemove,
    PackageRepair,
    PackageUpgrade,
    PackageVersions,
    RepairChange,
    UpdateList,
    UpgradeChange,
)
from osapi.domains.package.provider import PackageProvider
from osapi.host.door import Host
from osapi.host.plan import Plan


class DebianPackages:
    """Keeps the packages of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._driver = Driver(host)

    async def packages(self, _: Nothing, /) -> PackageList:
        """Every package that is installed, if only in part."""
        return _listed(await self._driver.packages())

    async def get(self, request: PackageName, /) -> PackageList:
        """One package, once for each architecture. Raises `NotFound` when it is not installed."""
        found = _listed(package for package in await self._driver.packages() if package.answers_to(request.name))
        if not found.packages:
            raise NotFound(f"package {request.name} is not installed on this host")
        return found

    async def versions(self, request: PackageName, /) -> PackageVersions:
        """The versions that the host could have, by the lists as they are. Raises `NotFound`."""
        return await self._driver.versions(request.name)

    async def install(self, request: PackageInstall, /) -> PackageChange:
        """Install a package or bring it up to date. A second call changes nothing; see `decisions.install`."""
        name, target = request.name, request.name + (f"={request.version}" if request.version else "")
        order = Order("install", (target,))
        packages = await self._driver.sound()
        simulation = await self._driver.simulate(order)
        plan = decisions.install(name, order, simulation, packages, removals=request.allow_removals)
        return await self._change(name, plan, str(order))

    async def remove(self, request: PackageRemove, /) -> PackageChange:
        """Remove a package and leave its configuration. A second call changes nothing; see `decisions.remove`."""
        order = Order("remove", (request.name,))
        packages = await self._driver.sound()
        decisions.refuse_essential(request.name, packages)
        simulation = await self._driver.simulate(order, packages)
        plan = decisions.remove(request.name, simulation, packages, removals=request.allow_removals)
        return await self._change(request.name, plan, str(order))

    async def upgrade(self, request: PackageUpgrade, /) -> UpgradeChange:
        """Bring packages to newer versions. A second call changes nothing; see `upgrading` for refusals."""
        packages = await self._driver.sound()
        order = await self._ordered(request, packages)
        simulation = Simulation() if order is None else await self._driver.simulate(order)
        plan = Plan() if order is None else await self._planned(order, simulation, packages, request)
        applied = await self._driver.apply(plan, str(order))
        return UpgradeChange(
            changed=applied.changed,
            diff=applied.diff,
            name=request.name or "",
            updates=upgrading.told(simulation),
            kept_back=list(simulation.kept_back),
            reboot_required=await self._driver.asks_for_reboot(),
        )

    async def hold(self, request: PackageName, /) -> PackageChange:
        """Keep a package at its version. A second call changes nothing; see `holding.hold`."""
        plan = holding.hold(request.name, await self._driver.packages())
        return await self._change(request.name, plan, f"hold {request.name}")

    async def unhold(self, request: PackageName, /) -> PackageChange:
        """Let a package change its version again. A second call changes nothing; see `holding.unhold`."""
        plan = holding.unhold(request.name, await self._driver.packages())
        return await self._change(request.name, plan, f"unhold {request.name}")

    async def repair(self, request: PackageRepair, /) -> RepairChange:
        """Bring to an end what was interrupted. A second call changes nothing; see `repairing.decide`.

        Raises `Permanent` (code `needs_repair`) when something is broken afterwards.
        """
        packages, damage = await self._driver.damage()
        again = await self._driver.having(damage.again)
        fix = await self._driver.simulate(repairing.FIX)
        plan = repairing.decide(damage, again, fix, packages, removals=request.allow_removals)
        applied = await self._host.apply(plan)
        if plan.changes and not self._host.check_mode:
            repairing.check((await self._driver.damage())[1], applied.runs)
        return RepairChange(
            changed=applied.changed,
            diff=applied.diff,
            broken=damage.names,
            reboot_required=await self._driver.asks_for_reboot(),
        )

    async def refresh(self, _: Nothing, /) -> ListsChange:
        """Fetch the lists of packages; changed tells whether one of them is another than before."""
        before = await self._driver.lists()
        applied = await self._driver.apply(decisions.refresh(), "refresh the lists of packages")
        if self._host.check_mode:
            return ListsChange(changed=applied.changed, diff=applied.diff)
        changed = await self._driver.lists() != before
        failed = [source for run in applied.runs for source in apt.failed_sources(apt.text(run))]
        return ListsChange(changed=changed, diff=applied.diff if changed else "", failed_sources=failed)

    async def updates(self, _: Nothing, /) -> UpdateList:
        """What could be newer, by the lists as they are. The lists are not refreshed."""
        return UpdateList(updates=upgrading.told(await self._driver.upgrades()))

    async def _ordered(self, request: PackageUpgrade, packages: list[Package]) -> Order | None:
        if request.name is not None:
            return upgrading.one(request.name, request.version, packages)
        if request.security:
            return upgrading.of_security(await self._driver.upgrades(), packages)
        return upgrading.everything(removals=request.allow_removals)

    async def _planned(
        self, order: Order, simulation: Simulation, packages: list[Package], request: PackageUpgrade
    ) -> Plan:
        named = [step.name for step in simulation.upgrades] if order.targets else []
        automatic = await self._driver.automatic(named) if named else []
        return upgrading.decide(order, simulation, packages, automatic, removals=request.allow_removals)

    async def _change(self, name: str, plan: Plan, what: str) -> PackageChange:
        applied = await self._driver.apply(plan, what)
        return PackageChange(
            changed=applied.changed,
            diff=applied.diff,
            name=name,
            reboot_required=await self._driver.asks_for_reboot(),
        )


def provider(host: Host) -> PackageProvider:
    """A provider for one job."""
    return DebianPackages(host)


def _listed(packages: Iterable[Package]) -> PackageList:
    return PackageList(
        packages=[
            PackageInfo(
                name=package.name,
                version=package.version,
                description=package.summary,
                status=package.status,
                size=package.size,
                architecture=package.architecture,
            )
            for package in packages
            if package.is_present
        ]
    )
