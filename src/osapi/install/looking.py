"""Looks at a machine: what of all that is wanted is there already."""

from __future__ import annotations

import grp
import os
import pwd

from osapi.contract.errors import Invalid, Permanent
from osapi.host import systemd
from osapi.host.door import Host
from osapi.host.files import FileKind
from osapi.install import deciding
from osapi.install.deciding import Seen
from osapi.install.wanted import JOINED, LOCAL_TOKEN, Wanted
from osapi.pki.join_token import decode


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


async def join_token(host: Host, said: str) -> bytes:
    """With what the agent is to join: the token that was said, or the one of the controller of this machine.

    `said` is a token, or `@` and a file. Empty when the agent has joined, or there is none. Raises `Invalid` for what is none.
    """
    if await host.stat(JOINED) is not None:
        return b""
    text = await _read(host, said[1:]) if said.startswith("@") else said.encode()
    found = text or await host.read(LOCAL_TOKEN) or b""
    if found:
        decode(found.decode(errors="replace"))
    return found.strip()


async def _read(host: Host, path: str) -> bytes:
    found = await host.read(path)
    if found is None:
        raise Invalid(f"--join @{path}: there is no such file")
    return found


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
