"""Accounts and groups by name, as the name service of the host knows them: getpwnam(3), getgrouplist(3)."""

from __future__ import annotations

import functools
import grp
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from osapi.contract.errors import Invalid, NotFound


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom a program runs as."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    groups: tuple[int, ...]
    """All groups, the primary one included."""


def account(name: str) -> Account:
    """The account of that name. Raises `NotFound`."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise NotFound(f"there is no account {name!r} on this host") from None
    groups = tuple(os.getgrouplist(name, found.pw_gid))
    return Account(
        name=name, uid=found.pw_uid, gid=found.pw_gid, home=found.pw_dir, shell=found.pw_shell, groups=groups
    )


def user_names() -> Callable[[int], str]:
    """A function from user ids to names, the number where there is no name; each is looked up once."""

    @functools.cache
    def name(uid: int) -> str:
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    return name


def owner_ids(owner: str | None, group: str | None) -> tuple[int, int]:
    """User and group id to own a file; None means the agent's own. Raises `Invalid` (`unknown_owner`)."""
    try:
        uid = os.geteuid() if owner is None else pwd.getpwnam(owner).pw_uid
        gid = os.getegid() if group is None else grp.getgrnam(group).gr_gid
    except KeyError as err:
        raise Invalid(f"unknown owner or group: {err.args[0]}", code="unknown_owner") from None
    return uid, gid
