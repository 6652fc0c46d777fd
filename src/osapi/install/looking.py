"""Looks at a machine: what of all that is wanted is there already."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping

from osapi.contract.errors import Invalid, Permanent
from osapi.host import systemd
from osapi.host.door import Host
from osapi.host.files import FileKind
from osapi.install import deciding
from osapi.install.deciding import Seen
from osapi.install.wanted import Wanted, wanted_from


async def need(host: Host) -> None:
    """Raise `Permanent` (code `denied`) unless root runs this, `Unsupported` unless systemd runs the machine."""
    if os.geteuid() != 0:
        raise Permanent("only root can make services of this machine; use sudo", code="denied")
    await systemd.need(host)


async def look(host: Host, wanted: Wanted) -> Seen:
    """Everything that `deciding` wants to know."""
    stats = {path: await host.stat(path) for path in deciding.paths(wanted)}
    files = [path for path, stat in stats.items() if stat is not None and stat.kind is FileKind.FILE]
    names = {} if wanted.account is None else {wanted.account.name: _groups_of(wanted.account.name)}
    return Seen(
        stats=stats,
        contents={path: await host.read(path) for path in files},
        uids={entry.pw_name: entry.pw_uid for entry in pwd.getpwall()},
        groups=frozenset(entry.gr_name for entry in grp.getgrall()),
        memberships=names,
        enabled=await _is(host, "is-enabled", wanted.unit_name),
        active=await _is(host, "is-active", wanted.unit_name),
    )


async def agent_files(host: Host, data: str) -> Mapping[str, bytes]:
    """What another installation on this machine has for its agent."""
    found = {name: await host.read(path) for name, path in wanted_from(data).items()}
    return {name: content for name, content in found.items() if content is not None}


def check_account(name: str) -> None:
    """Raise `Invalid` for an account that cannot be the agent's: root, or one that other people use."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return
    if found.pw_uid == 0 or found.pw_uid >= 1000:
        raise Invalid(f"--user {name}: uid {found.pw_uid} is no system account; name one that is the agent's alone")


def _groups_of(name: str) -> frozenset[str]:
    return frozenset(entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem)


async def _is(host: Host, verb: str, unit: str) -> bool:
    return (await host.run(("systemctl", verb, "--quiet", "--", unit))).exit_code == 0
