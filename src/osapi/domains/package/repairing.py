"""What to do about packages that an interrupted dpkg has left behind. Pure.

dpkg says in which state it was interrupted, see dpkg(1) and `dpkg --audit`. What is unpacked is configured; what
was cut off while it was unpacked is installed again; a removal that had begun is brought to its end. What still
lacks something that it depends on is then left to apt-get.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osapi.contract.errors import Permanent
from osapi.domains.package import apt, decisions
from osapi.domains.package.apt import Order, Simulation, Step
from osapi.domains.package.dpkg import Package
from osapi.host.plan import Plan, Run
from osapi.host.program import Completed

FIX = Order("install", options=("-f",))
"""Has apt-get install or remove what is needed so that all dependencies are met."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What an interrupted run of dpkg has left."""

    broken: Sequence[Package]
    has_journal: bool
    """Whether dpkg has notes that it has not yet worked into its database."""

    @property
    def is_none(self) -> bool:
        return not self.broken and not self.has_journal

    @property
    def names(self) -> list[str]:
        return sorted(package.qualified for package in self.broken)

    @property
    def again(self) -> list[Package]:
        """What must be installed again."""
        return [package for package in self.broken if package.must_be_reinstalled]

    @property
    def going(self) -> list[Package]:
        """What was on its way out."""
        return [package for package in self.broken if package.is_going and not package.must_be_reinstalled]


def look(packages: Iterable[Package], journal: Iterable[str]) -> Damage:
    """What is wrong. Triggers that wait are dealt with by the next run and are no damage."""
    broken = [package for package in packages if package.is_broken]
    return Damage(broken=broken, has_journal=any(name.isdecimal() for name in journal))


def refuse(damage: Damage) -> None:
    """Raise `Permanent` (code `needs_repair`) when something is wrong."""
    if damage.is_none:
        return
    states = ", ".join(f"{package.name} is {package.condition}" for package in damage.broken)
    raise Permanent(
        f"dpkg was interrupted earlier and needs repair ({states or 'its journal is not empty'}); "
        "use package repair, which does what `dpkg --configure -a` and installing again do",
        code="needs_repair",
        details={"packages": damage.names},
    )


def check(left: Damage, runs: Iterable[Completed]) -> None:
    """Raise what the programs said when something is wrong after the repair."""
    if left.is_none:
        return
    failed = next((run for run in runs if run.exit_code != 0), None)
    if failed is not None:
        raise apt.refusal(failed, "repair")
    refuse(left)


def decide(
    damage: Damage, again: Sequence[str], fix: Simulation, packages: Sequence[Package], *, removals: bool
) -> Plan:
    """Repair it; nothing when nothing is wrong.

    `again` are the targets for what must be installed again; `fix` is what apt-get would do for the dependencies.
    Raises `Protected` and `Conflict` as `decisions.refuse_removals` does.
    """
    known = {package.name for package in damage.broken}
    further = [step for step in fix.steps if step.name.partition(":")[0] not in known]
    decisions.refuse_removals("the repair", [step for step in further if step.removes], packages, removals=removals)
    if damage.is_none and not further:
        return Plan()
    return Plan(tuple(_actions(damage, again, further)), "\n".join(_sentences(damage, further)))


def _actions(damage: Damage, again: Sequence[str], further: Sequence[Step]) -> Iterable[Run]:
    yield apt.configure()
    if again:
        yield apt.change(Order("install", tuple(again), ("--reinstall",)))
    if damage.going:
        yield apt.change(Order("remove", tuple(package.qualified for package in damage.going)))
    if further:
        yield apt.change(FIX)


def _sentences(damage: Damage, further: Sequence[Step]) -> Iterable[str]:
    if damage.has_journal:
        yield "the notes of an interrupted dpkg are worked in"
    for package in damage.broken:
        verb = "configure"
        if package.must_be_reinstalled:
            verb = "install again"
        elif package.is_going:
            verb = "remove"
        yield f"{verb} {package.name} {package.version} ({package.condition})".replace("  ", " ")
    yield from (step.sentence for step in further)
