"""What to do so that a host keeps a time zone, given what is on it. Pure. See localtime(5)."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Invalid, MissingTool
from osapi.domains.timezone import zones
from osapi.host.plan import Action, Link, Plan, Run, Write

LINK = "/etc/localtime"
NAME = "/etc/timezone"
"""The name once more, for programs that do not read the link. Kept up to date where it exists."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What says in which zone a host is."""

    target: str | None
    """Where /etc/localtime leads; None when it is no link."""
    has_file: bool
    """Whether there is anything called /etc/localtime."""
    name: str | None
    """Content of /etc/timezone; None when there is no such file."""
    has_timedated: bool

    @property
    def zone(self) -> str:
        """The zone in force: what the link names; UTC without a file; for a copied file what /etc/timezone says."""
        if self.target is not None:
            return zones.name_in(self.target)
        return (self.name or "") if self.has_file else "UTC"


def check_zone(zone: str, content: bytes | None, *, has_database: bool) -> None:
    """Raises `MissingTool` when the host has no database of zones, `Invalid` when it lacks this one."""
    if not has_database:
        raise MissingTool(f"there are no time zones in {zones.DATABASE} on this host; install the package tzdata")
    if not zones.is_zone(content):
        raise Invalid(
            f"unknown time zone {zone!r}: there is no such zone in {zones.DATABASE} on this host; `timedatectl list-timezones` there lists them"
        )


def decide(zone: str, seen: Seen) -> Plan:
    """Lead /etc/localtime to the zone, by timedated where it runs, and let /etc/timezone say the same."""
    actions: list[Action] = []
    differences: list[str] = []
    if not leads_to(zone, seen):
        differences.append(f"{LINK}: {_was(seen)} -> {zone}")
        actions.append(_set_zone(zone, seen))
    if seen.name is not None and seen.name != zone:
        differences.append(f"{NAME}: {seen.name or 'empty'} -> {zone}")
        if not actions or not seen.has_timedated:
            actions.append(Write(path=NAME, content=f"{zone}\n".encode()))
    return Plan(tuple(actions), "\n".join(differences))


def leads_to(zone: str, seen: Seen) -> bool:
    """Whether /etc/localtime is a link to the zone."""
    return zones.name_in(seen.target or "") == zone


def _set_zone(zone: str, seen: Seen) -> Action:
    if seen.has_timedated:
        return Run(argv=("timedatectl", "set-timezone", "--", zone), privileged=True)
    return Link(path=LINK, target=zones.path_of(zone))


def _was(seen: Seen) -> str:
    if seen.target is not None:
        return zones.name_in(seen.target) or seen.target
    return "a file of its own" if seen.has_file else "none"
