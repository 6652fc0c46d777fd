"""What an agent without root needs on its host: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import grp
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from osapi.config.settings import Settings
from osapi.contract.errors import Permanent
from osapi.domains import discovery
from osapi.host import capabilities, process, sudoers
from osapi.host.escalation import Escalation, is_granted
from osapi.host.grants import BASE, HELPER, Anything, Capability, Grant, Member, Place, Program

OK, MISSING, ABSENT = "ok", "missing", "absent"
"""`absent` is a program that the host does not have: the operations that need it answer `skipped`, as everywhere."""
_NOBODY = "nobody"
_INSTALL = "run `osapi agent install --user NAME` as root"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked for. `needs` are the domains that need it, `remedy` is empty when it is there."""

    kind: str
    what: str
    needs: str
    state: str
    remedy: str = ""


def granted(without: Iterable[str] = ()) -> dict[str, tuple[Grant, ...]]:
    """What is to be granted, by domain; `agent` is what every agent needs. `without` are domains that get nothing."""
    left_out = set(without)
    domains = {name: discovery.privileges(name) for name in discovery.names() if name not in left_out}
    return {"agent": BASE, **{name: grants for name, grants in domains.items() if grants}}


def helper() -> str:
    """Where the helper is: beside the Python that runs this."""
    return str(Path(sys.executable).with_name(HELPER))


def escalation(settings: Settings) -> Escalation | None:
    """The way to root; None for an agent that is root or is to do without."""
    if not settings.agent.privilege_escalation.enabled or os.geteuid() == 0:
        return None
    return Escalation(helper())


def checks(without: Iterable[str] = ()) -> list[Check]:
    """Look for everything. Blocks for about a second."""
    grants = granted(without)
    return [_command("sudo", "agent"), _helper(), *_commands(grants), *_rules(grants), *_others(grants)]


def require(settings: Settings) -> None:
    """Raise `Permanent` (code `preflight`), naming everything that is missing and what to do. Blocks."""
    missing = [check for check in checks(settings.agent.privilege_escalation.without) if check.state == MISSING]
    if missing:
        told = "".join(f"\n  {check.kind} {check.what} (for {check.needs}): {check.remedy}" for check in missing)
        raise Permanent(
            f"{len(missing)} things that this agent needs without root are missing:{told}", code="preflight"
        )


def _command(name: str, needs: str) -> Check:
    if shutil.which(name, path=process.PATH):
        return Check(kind="command", what=name, needs=needs, state=OK)
    state = MISSING if name == "sudo" else ABSENT
    return Check(kind="command", what=name, needs=needs, state=state, remedy=f"install the program {name}")


def _helper() -> Check:
    path = Path(helper())
    is_safe = path.exists() and path.stat().st_uid == 0 and not path.stat().st_mode & 0o022
    state = OK if is_safe else MISSING
    return Check(
        kind="command",
        what=HELPER,
        needs="agent",
        state=state,
        remedy="" if is_safe else f"{path} must be root's alone",
    )


def _commands(grants: Mapping[str, tuple[Grant, ...]]) -> Iterator[Check]:
    needs: dict[str, list[str]] = {}
    for domain, each in grants.items():
        for name in dict.fromkeys(grant.name for grant in each if isinstance(grant, Program)):
            needs.setdefault(name, []).append(domain)
    for name, domains in needs.items():
        yield _command(name, ", ".join(domains))


def _rules(grants: Mapping[str, tuple[Grant, ...]]) -> Iterator[Check]:
    """Each rule by a call that it grants. A rule that several domains share is asked for once."""
    needs: dict[Program | Place | Anything, list[str]] = {}
    for domain, each in grants.items():
        for grant in each:
            if isinstance(grant, Program | Place | Anything):
                needs.setdefault(grant, []).append(domain)
    for grant, domains in needs.items():
        yield _rule(grant, ", ".join(domains))


def _rule(grant: Program | Place | Anything, needs: str) -> Check:
    anything = isinstance(grant, Anything)
    call = ("/usr/bin/true",) if isinstance(grant, Anything) else sudoers.example(grant, helper())
    become = _NOBODY if anything or (isinstance(grant, Program) and grant.user == "ALL") else "root"
    if isinstance(grant, Program) and not Path(grant.path).exists():
        return Check(kind="sudo", what=" ".join(call), needs=needs, state=ABSENT, remedy=f"there is no {grant.path}")
    state = OK if is_granted(call, become) else MISSING
    remedy = "" if state == OK else f"{_INSTALL}, which writes {sudoers.PATH}"
    return Check(
        kind="sudo", what="any program" if anything else " ".join(call), needs=needs, state=state, remedy=remedy
    )


def _others(grants: Mapping[str, tuple[Grant, ...]]) -> Iterator[Check]:
    effective, groups = capabilities.effective(), set(os.getgroups()) | {os.getegid()}
    for domain, each in grants.items():
        for grant in each:
            if isinstance(grant, Capability):
                yield _capability(grant, domain, effective)
            if isinstance(grant, Member):
                yield _member(grant, domain, groups)


def _capability(grant: Capability, needs: str, effective: int) -> Check:
    has = bool(effective >> grant.number & 1)
    remedy = "" if has else f"AmbientCapabilities={grant.name} in the agent's unit, as `osapi agent install` writes it"
    return Check(kind="capability", what=grant.name, needs=needs, state=OK if has else MISSING, remedy=remedy)


def _member(grant: Member, needs: str, groups: set[int]) -> Check:
    try:
        gid = grp.getgrnam(grant.group).gr_gid
    except KeyError:
        remedy = f"there is no group {grant.group}"
        return Check(kind="group", what=grant.group, needs=needs, state=ABSENT, remedy=remedy)
    has = gid in groups
    remedy = "" if has else f"usermod --append --groups {grant.group} NAME, then restart the agent"
    return Check(kind="group", what=grant.group, needs=needs, state=OK if has else MISSING, remedy=remedy)
