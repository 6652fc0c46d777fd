"""Accounts and groups by name, as the name service of the host knows them: getpwnam(3), getgrouplist(3)."""

from __future__ import annotations

import functools
import grp
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from osapi.contract.errors import Invalid, NotFound

_LARGEST_ID = 2**32 - 1
"""This number itself means nobody at all, see chown(2)."""


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


def owner_ids(owner: str | None, group: str | None, own: tuple[int, int] | None = None) -> tuple[int, int]:
    """User and group id to own a file, each by name or number; None means `own`, which is the agent's unless given.

    Raises `Invalid` (`unknown_owner`).
    """
    own_uid, own_gid = own or (os.geteuid(), os.getegid())
    uid = own_uid if owner is None else id_of(owner, lambda name: pwd.getpwnam(name).pw_uid)
    gid = own_gid if group is None else id_of(group, lambda name: grp.getgrnam(name).gr_gid)
    return uid, gid


def id_of(name: str, find: Callable[[str], int]) -> int:
    """What `find` finds, else the number that the name is. Raises `Invalid` (`unknown_owner`); `find` raises `KeyError`."""
    try:
        return find(name)
    except KeyError:
        if name.isdecimal() and name.isascii() and int(name) < _LARGEST_ID:
            return int(name)
        raise Invalid(
            f"unknown owner or group: {name!r} on this host; create it first, or name another", code="unknown_owner"
        ) from None
