"""What to do about a group, given the account files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osapi.contract.errors import Conflict, Invalid, NotFound, Protected
from osapi.domains.group.models import GroupCreate, GroupDelete, GroupUpdate
from osapi.host.account_files import GroupLine, PasswdLine
from osapi.host.plan import Plan, Run

FIRST_ORDINARY_ID = 1000
"""Lower numbers are for the system: Debian Policy 9.2.2, login.defs(5)."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The groups and accounts of a host."""

    groups: Sequence[GroupLine]
    accounts: Sequence[PasswdLine]

    def group(self, name: str) -> GroupLine | None:
        """The group of that name; None when there is none."""
        return next((group for group in self.groups if group.name == name), None)


def create(request: GroupCreate, seen: Seen) -> Plan:
    """Make the group; nothing when it is there. Raises `Conflict` when it or the number is taken otherwise."""
    name, gid = request.name, request.gid
    group = seen.group(name)
    if group is not None:
        if gid not in (0, group.gid):
            raise Conflict(
                f"group {name} exists with gid {group.gid}, not {gid}; leave gid out, or delete the group first",
                details={"name": name, "found": group.gid, "requested": gid},
            )
        return Plan()
    holder = next((other.name for other in seen.groups if gid and other.gid == gid), None)
    if holder is not None:
        raise Conflict(f"gid {gid} belongs to group {holder}; choose another", details={"gid": gid, "group": holder})
    options = [*(("--gid", str(gid)) if gid else ()), *(("--system",) if request.system else ())]
    number = str(gid) if gid else "the next free one"
    return Plan((_run("groupadd", *options, "--", name),), f"+ group {name}, gid {number}")


def update(request: GroupUpdate, seen: Seen) -> Plan:
    """Let exactly these accounts belong to the group.

    Raises `NotFound` for an unknown group and `Invalid` (`unknown_user`) for an account that is to be added
    and is not there.
    """
    group = seen.group(request.name)
    if group is None:
        raise NotFound(f"there is no group {request.name} on this host; create it first")
    wanted = list(dict.fromkeys(filter(None, request.members)))
    added = [name for name in wanted if name not in group.members]
    removed = [name for name in group.members if name not in wanted]
    if not added and not removed:
        return Plan()
    known = {account.name for account in seen.accounts}
    unknown = [name for name in added if name not in known]
    if unknown:
        raise Invalid(
            f"members: there is no account {', '.join(unknown)} on this host; create it first", code="unknown_user"
        )
    changes = [*(f"- {name}" for name in removed), *(f"+ {name}" for name in added)]
    run = _run("gpasswd", "--members", ",".join(wanted), "--", group.name)
    return Plan((run,), "\n".join([f"members of group {group.name}:", *changes]))


def delete(request: GroupDelete, seen: Seen) -> Plan:
    """Remove the group; nothing when it is not there.

    Raises `Protected` for a system group unless `force`, always for that of root, and `Conflict` (`in_use`) when
    it is the primary group of an account.
    """
    group = seen.group(request.name)
    if group is None:
        return Plan()
    if group.gid == 0 or (group.gid < FIRST_ORDINARY_ID and not request.force):
        remedy = " and is never deleted" if group.gid == 0 else "; set force to remove it all the same"
        raise Protected(f"group {group.name} (gid {group.gid}) belongs to the system{remedy}")
    users = [account.name for account in seen.accounts if account.gid == group.gid]
    if users:
        raise Conflict(
            f"group {group.name} is the primary group of {', '.join(users)}; give them another, or delete them first",
            code="in_use",
            details={"name": group.name, "users": users},
        )
    return Plan((_run("groupdel", "--", group.name),), f"- group {group.name}, gid {group.gid}")


def _run(*argv: str) -> Run:
    return Run(argv=argv, privileged=True)
