"""Asks dpkg and apt-get of one host, and has them act. What is asked for and why is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from osapi.contract.errors import NotFound
from osapi.domains.package import apt, decisions, dpkg, policy, repairing
from osapi.domains.package.apt import Order, Simulation
from osapi.domains.package.dpkg import Package
from osapi.domains.package.models import PackageVersions
from osapi.domains.package.repairing import Damage
from osapi.host.acting import failure_of
from osapi.host.door import Host
from osapi.host.plan import Applied, Plan
from osapi.host.program import Completed

_REBOOT_REQUIRED = "/run/reboot-required"


class Driver:
    """The package manager of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def packages(self) -> list[Package]:
        """What dpkg knows, from one call of dpkg-query."""
        return dpkg.parse(await self._told(dpkg.QUERY))

    async def sound(self) -> list[Package]:
        """The packages, if dpkg is in a state to work on them. Raises `Permanent` (code `needs_repair`)."""
        packages, damage = await self.damage()
        repairing.refuse(damage)
        return packages

    async def damage(self) -> tuple[list[Package], Damage]:
        """The packages, and what an interrupted dpkg has left of them."""
        packages = await self.packages()
        return packages, repairing.look(packages, await self._host.list_dir(dpkg.JOURNAL))

    async def simulate(self, order: Order, packages: Sequence[Package] = ()) -> Simulation:
        """What apt-get would do. Raises what `apt.refusal` says, and `Protected` when `packages` would break."""
        run = await self._ask(apt.simulation_of(order))
        if run.exit_code != 0:
            if order.verb == "remove":
                decisions.refuse_breaking(f"removing {' '.join(order.targets)}", apt.unmet(apt.text(run)), packages)
            raise apt.refusal(run, str(order))
        return apt.parse(apt.text(run))

    async def upgrades(self) -> Simulation:
        """Every update, also of what is on hold, by the lists as they are."""
        run = await self._ask(apt.UPGRADES)
        if run.exit_code != 0:
            raise apt.refusal(run, "list updates")
        return apt.parse(apt.text(run))

    async def versions(self, name: str) -> PackageVersions:
        """The versions of a package. Raises `NotFound`."""
        return policy.parse(name, await self._told(policy.question(name)))

    async def automatic(self, names: Sequence[str]) -> list[str]:
        """Those of the packages that came along with others."""
        return (await self._told(apt.automatic(names))).split()

    async def having(self, packages: Sequence[Package]) -> list[str]:
        """How to ask for each package again: by the version that it has, or where no source has that, by name."""
        return [await self._asked_again(package) for package in packages]

    async def apply(self, plan: Plan, what: str) -> Applied:
        """Carry out a plan. Raises what `apt.refusal` says; `what` names the attempt."""
        applied = await self._host.apply(plan)
        for run in applied.runs:
            if run.exit_code != 0:
                raise apt.refusal(run, what)
        return applied

    async def lists(self) -> decisions.Lists:
        """What tells whether the lists of packages are the same."""
        names = await self._host.list_dir(apt.LISTS)
        return decisions.lists([(name, await self._host.stat(f"{apt.LISTS}/{name}")) for name in names])

    async def asks_for_reboot(self) -> bool:
        """Whether a package has asked for a restart of the host."""
        return await self._host.stat(_REBOOT_REQUIRED) is not None

    async def _asked_again(self, package: Package) -> str:
        target = f"{package.qualified}={package.version}"
        try:
            await self.simulate(Order("install", (target,), ("--reinstall",)))
        except NotFound:
            return package.qualified
        return target

    async def _told(self, argv: Sequence[str]) -> str:
        run = await self._host.run(argv, output_limit=apt.OUTPUT_LIMIT)
        if run.exit_code != 0:
            raise failure_of(run)
        return run.stdout.decode("utf-8", "replace")

    async def _ask(self, argv: Sequence[str]) -> Completed:
        return await self._host.run(argv, deadline_s=apt.SIMULATION_DEADLINE_S, output_limit=apt.OUTPUT_LIMIT)
