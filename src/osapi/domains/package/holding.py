"""What to do so that a package keeps its version, or need not any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import NotFound
from osapi.domains.package import apt
from osapi.domains.package.dpkg import Package
from osapi.host.plan import Plan


def hold(name: str, packages: Iterable[Package]) -> Plan:
    """Put the package on hold, in every architecture that is meant. Raises `NotFound` when it is not installed."""
    meant = [package for package in packages if package.is_present and package.answers_to(name)]
    if not meant:
        raise NotFound(f"package {name} is not installed on this host; only what is installed can be held")
    return _marked("hold", [package for package in meant if not package.is_held], "is kept at its version")


def unhold(name: str, packages: Iterable[Package]) -> Plan:
    """Take the package off hold. Raises `NotFound` when dpkg does not know it."""
    meant = [package for package in packages if package.answers_to(name)]
    if not any(package.is_present or package.is_held for package in meant):
        raise NotFound(f"package {name} is not installed on this host")
    return _marked("unhold", [package for package in meant if package.is_held], "may change its version")


def _marked(verb: str, packages: list[Package], what: str) -> Plan:
    if not packages:
        return Plan()
    lines = (f"{package.name} {package.version} {what}".replace("  ", " ") for package in packages)
    return Plan((apt.mark(verb, [package.qualified for package in packages]),), "\n".join(lines))
