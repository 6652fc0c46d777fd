"""What to do so that packages are newer, given what dpkg has and what apt-get would do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from osapi.contract.errors import NotFound
from osapi.domains.package import apt, decisions
from osapi.domains.package.apt import Order, Simulation
from osapi.domains.package.dpkg import Package
from osapi.domains.package.models import UpdateInfo
from osapi.host.plan import Plan

_ONLY_UPGRADE = ("--only-upgrade",)


def one(name: str, version: str, packages: Iterable[Package]) -> Order:
    """Upgrade one package. Raises `NotFound` when it is not installed."""
    if not any(package.is_present and package.answers_to(name) for package in packages):
        raise NotFound(f"package {name} is not installed on this host; install it instead")
    return Order("install", (f"{name}={version}" if version else name,), _ONLY_UPGRADE)


def everything(*, removals: bool) -> Order:
    """Upgrade all packages, and install what they need besides. Others only go when `removals` allows it."""
    return Order("dist-upgrade") if removals else Order("upgrade", options=("--with-new-pkgs",))


def of_security(possible: Simulation, packages: Iterable[Package]) -> Order | None:
    """Upgrade what an archive of security updates has newer and what is not on hold; None when that is nothing."""
    held = {package.name for package in packages if package.is_held}
    names = [step.name for step in possible.upgrades if step.is_security and step.name.partition(":")[0] not in held]
    return Order("install", tuple(names), _ONLY_UPGRADE) if names else None


def decide(
    order: Order, simulation: Simulation, packages: Sequence[Package], automatic: Sequence[str], *, removals: bool
) -> Plan:
    """Have apt-get do what it foretold; nothing when there is nothing to do.

    `automatic` are those of the targets that came along with other packages; apt-get would take the order for a
    wish for themselves. Raises `Protected` and `Conflict` as `decisions.refuse_removals` does.
    """
    decisions.refuse_removals("the upgrade", simulation.removals, packages, removals=removals)
    if not simulation.steps:
        return Plan()
    keep = (apt.mark("auto", automatic),) if automatic else ()
    return Plan((apt.change(order), *keep), simulation.diff)


def told(simulation: Simulation) -> list[UpdateInfo]:
    """The upgrades in a simulation, by name."""
    found = [
        UpdateInfo(name=step.name, current_version=step.old, new_version=step.new, security=step.is_security)
        for step in simulation.upgrades
    ]
    return sorted(found, key=lambda update: update.name)
