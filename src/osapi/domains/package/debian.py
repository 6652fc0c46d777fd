"""Packages on Debian and its descendants: dpkg-query(1) tells what is there, apt-get(8) plans and acts.

Nothing is changed before apt-get has simulated it. Questions are never asked: the answers are debconf's
defaults, and configuration files that somebody has changed are kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import NotFound
from osapi.contract.operation import Nothing
from osapi.domains.package import apt, decisions, dpkg
from osapi.domains.package.apt import Simulation
from osapi.domains.package.dpkg import Package
from osapi.domains.package.models import (
    ListsChange,
    PackageChange,
    PackageInfo,
    PackageInstall,
    PackageList,
    PackageName,
    PackageRemove,
    UpdateInfo,
    UpdateList,
)
from osapi.domains.package.provider import PackageProvider
from osapi.host.acting import failure_of
from osapi.host.door import Host
from osapi.host.plan import Applied, Plan

_REBOOT_REQUIRED = "/run/reboot-required"


class DebianPackages:
    """Keeps the packages of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def packages(self, _: Nothing, /) -> PackageList:
        """Every package that is installed, if only in part."""
        return _listed(await self._installed())

    async def get(self, request: PackageName, /) -> PackageList:
        """One package, once for each architecture. Raises `NotFound` when it is not installed."""
        found = _listed(package for package in await self._installed() if package.answers_to(request.name))
        if not found.packages:
            raise NotFound(f"package {request.name} is not installed on this host")
        return found

    async def install(self, request: PackageInstall, /) -> PackageChange:
        """Install a package or bring it up to date. A second call changes nothing; see `decisions.install`."""
        name, target = request.name, request.name + (f"={request.version}" if request.version else "")
        packages = await self._sound()
        simulation = await self._simulate("install", target, packages)
        plan = decisions.install(name, target, simulation, packages, removals=request.allow_removals)
        return await self._change(name, plan, f"install {target}")

    async def remove(self, request: PackageRemove, /) -> PackageChange:
        """Remove a package and leave its configuration. A second call changes nothing; see `decisions.remove`."""
        packages = await self._sound()
        decisions.refuse_essential(request.name, packages)
        simulation = await self._simulate("remove", request.name, packages)
        plan = decisions.remove(request.name, simulation, packages, removals=request.allow_removals)
        return await self._change(request.name, plan, f"remove {request.name}")

    async def refresh(self, _: Nothing, /) -> ListsChange:
        """Fetch the lists of packages; changed tells whether one of them is another than before."""
        before = await self._lists()
        applied = await self._apply(decisions.refresh(), "refresh the lists of packages")
        if self._host.check_mode:
            return ListsChange(changed=applied.changed, diff=applied.diff)
        changed = await self._lists() != before
        failed = [source for run in applied.runs for source in apt.failed_sources(apt.text(run))]
        return ListsChange(changed=changed, diff=applied.diff if changed else "", failed_sources=failed)

    async def updates(self, _: Nothing, /) -> UpdateList:
        """What could be newer, by the lists as they are. The lists are not refreshed."""
        run = await self._host.run(apt.UPGRADES, deadline_s=apt.SIMULATION_DEADLINE_S, output_limit=apt.OUTPUT_LIMIT)
        if run.exit_code != 0:
            raise apt.refusal(run, "list updates")
        steps = [step for step in apt.parse(apt.text(run)).steps if step.old and step.new]
        found = [
            UpdateInfo(
                name=step.name,
                current_version=step.old,
                new_version=step.new,
                security="security" in step.origin.lower(),
            )
            for step in steps
        ]
        return UpdateList(updates=sorted(found, key=lambda update: update.name))

    async def _installed(self) -> list[Package]:
        run = await self._host.run(dpkg.QUERY, output_limit=apt.OUTPUT_LIMIT)
        if run.exit_code != 0:
            raise failure_of(run)
        return dpkg.parse(run.stdout.decode("utf-8", "replace"))

    async def _sound(self) -> list[Package]:
        """The packages, if dpkg is in a state to work on them."""
        packages = await self._installed()
        dpkg.refuse_broken(packages, await self._host.list_dir(dpkg.JOURNAL))
        return packages

    async def _simulate(self, verb: str, target: str, packages: list[Package]) -> Simulation:
        argv = apt.simulation_of(verb, target)
        run = await self._host.run(argv, deadline_s=apt.SIMULATION_DEADLINE_S, output_limit=apt.OUTPUT_LIMIT)
        said = apt.text(run)
        if run.exit_code != 0:
            if verb == "remove":
                decisions.refuse_breaking(f"removing {target}", apt.unmet(said), packages)
            raise apt.refusal(run, f"{verb} {target}")
        return apt.parse(said)

    async def _change(self, name: str, plan: Plan, what: str) -> PackageChange:
        applied = await self._apply(plan, what)
        return PackageChange(
            changed=applied.changed,
            diff=applied.diff,
            name=name,
            reboot_required=await self._host.stat(_REBOOT_REQUIRED) is not None,
        )

    async def _apply(self, plan: Plan, what: str) -> Applied:
        applied = await self._host.apply(plan)
        for run in applied.runs:
            if run.exit_code != 0:
                raise apt.refusal(run, what)
        return applied

    async def _lists(self) -> decisions.Lists:
        names = await self._host.list_dir(apt.LISTS)
        return decisions.lists([(name, await self._host.stat(f"{apt.LISTS}/{name}")) for name in names])


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
