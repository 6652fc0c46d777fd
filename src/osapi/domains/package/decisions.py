"""What to do about a package, given what dpkg has and what apt-get would do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from osapi.contract.errors import Conflict, NotFound, Protected
from osapi.domains.package import apt
from osapi.domains.package.apt import Order, Simulation, Step
from osapi.domains.package.dpkg import Package
from osapi.host.files import FileKind, FileStat
from osapi.host.plan import Plan


def install(name: str, order: Order, simulation: Simulation, packages: Sequence[Package], *, removals: bool) -> Plan:
    """Have apt-get do what it foretold; nothing when there is nothing to do.

    Raises `NotFound` when apt-get understood something else than this package by the name, `Protected` when an
    essential package would go, `Conflict` when any would and `removals` does not allow it.
    """
    is_known = any(package.is_present and package.answers_to(name) for package in packages)
    is_installed_by_it = any(step.is_for(name) and not step.removes for step in simulation.steps)
    if not (is_known or is_installed_by_it or name in simulation.selected):
        raise NotFound(f"there is no package {name}; refresh the lists of packages if it is new")
    refuse_removals(f"installing {name}", simulation.removals, packages, removals=removals)
    sentences = [step.sentence for step in simulation.steps]
    if simulation.becomes_manual:
        sentences.append(f"{name} is wanted for itself, not only by other packages")
    return Plan((apt.change(order),), "\n".join(sentences)) if sentences else Plan()


def remove(name: str, simulation: Simulation, packages: Sequence[Package], *, removals: bool) -> Plan:
    """Have apt-get remove a package; nothing when it is not installed.

    Raises as `install` does. `simulation` must be that of a package which `refuse_essential` lets pass.
    """
    if not any(package.is_present and package.answers_to(name) for package in packages):
        if simulation.steps:
            raise NotFound(f"there is no package {name}")
        return Plan()
    others = [step for step in simulation.removals if not step.is_for(name)]
    refuse_removals(f"removing {name}", others, packages, removals=removals)
    if not simulation.steps:
        return Plan()
    return Plan((apt.change(Order("remove", (name,))),), simulation.diff)


def refuse_essential(name: str, packages: Iterable[Package]) -> None:
    """Raise `Protected` for a package that the system needs to work or to start."""
    if any(package.is_present and package.is_essential and package.answers_to(name) for package in packages):
        raise Protected(f"{name} is essential to this host and is not removed")


def refuse_removals(what: str, others: Sequence[Step], packages: Sequence[Package], *, removals: bool) -> None:
    """Raise `Protected` when an essential package would go along, `Conflict` when any would that may not."""
    going = sorted(step.name for step in others)
    refuse_breaking(what, {name.partition(":")[0] for name in going}, packages)
    if going and not removals:
        raise Conflict(
            f"{what} would also remove {', '.join(going)}; set allow_removals if that is meant",
            details={"removals": going},
        )


def refuse_breaking(what: str, hurt: Iterable[str], packages: Iterable[Package]) -> None:
    """Raise `Protected` when an essential package is among those that would be hurt."""
    essential = sorted({package.name for package in packages if package.is_present and package.is_essential} & {*hurt})
    if essential:
        raise Protected(
            f"{what} would break {', '.join(essential)}, which this host needs", details={"hurt": essential}
        )


def refresh() -> Plan:
    """Fetch the lists. Whether they differ from the sources shows only afterwards."""
    return Plan((apt.refresh(),), "the lists of packages are refreshed from their sources")


Lists = dict[str, tuple[object, ...]]
"""Name of each list, and what tells one edition of it from another."""


def lists(files: Iterable[tuple[str, FileStat | None]]) -> Lists:
    """What tells whether lists are the same. A link leads to a local repository, whose list apt-get reads in place."""
    return {name: _edition(stat) for name, stat in files if stat and name != "lock" and _is_list(stat)}


def _is_list(stat: FileStat) -> bool:
    return stat.kind in (FileKind.FILE, FileKind.LINK)


def _edition(stat: FileStat) -> tuple[object, ...]:
    return (stat.kind, stat.size) if stat.kind is FileKind.LINK else (stat.kind, stat.size, stat.modified)
