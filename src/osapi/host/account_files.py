"""The account files of a host, read as a whole: passwd(5), group(5), shadow(5). Pure.

Accounts of remote directories are not in them. Whoever needs those asks the name service, see `accounts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from osapi.contract.secret import Secret

ACCOUNTS = "/etc/passwd"
GROUPS = "/etc/group"
SHADOW = "/etc/shadow"


@dataclass(frozen=True, kw_only=True)
class PasswdLine:
    """One account."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    """Empty means /bin/sh."""


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    """One group. `members` are those beside the accounts whose primary group it is."""

    name: str
    gid: int
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ShadowLine:
    """What is known of the password of an account."""

    name: str
    password: Secret
    """The field as it stands: a hash, `!` or `*` alone or before it, or nothing."""
    expires: int | None
    """Day since 1970-01-01 from which the account is shut; None never."""

    @property
    def has_password(self) -> bool:
        """Whether there is a hash, usable or locked, or an empty password."""
        field = self.password.reveal()
        return field == "" or field.strip("!*") != ""

    @property
    def is_locked(self) -> bool:
        """Whether the field begins with `!` or `*`, so that no password fits."""
        return self.password.reveal().startswith(("!", "*"))

    @property
    def is_marked(self) -> bool:
        """Whether the field begins with `!`, which is what locking puts there."""
        return self.password.reveal().startswith("!")


def passwd(content: bytes) -> list[PasswdLine]:
    """The accounts in order; lines that are no accounts are left out."""
    return [
        PasswdLine(name=fields[0], uid=int(fields[2]), gid=int(fields[3]), home=fields[5], shell=fields[6])
        for fields in _lines(content, 7)
        if _is_number(fields[2]) and _is_number(fields[3])
    ]


def groups(content: bytes) -> list[GroupLine]:
    """The groups in order; lines that are no groups are left out."""
    return [
        GroupLine(name=fields[0], gid=int(fields[2]), members=tuple(filter(None, fields[3].split(","))))
        for fields in _lines(content, 4)
        if _is_number(fields[2])
    ]


def shadow(content: bytes) -> dict[str, ShadowLine]:
    """What is known of passwords, by account. No hash is shown by what comes out."""
    found: dict[str, ShadowLine] = {}
    for fields in _lines(content, 9):
        expires = int(fields[7]) if _is_number(fields[7]) else None
        found.setdefault(fields[0], ShadowLine(name=fields[0], password=Secret(fields[1]), expires=expires))
    return found


def _lines(content: bytes, count: int) -> Iterator[list[str]]:
    for line in content.decode("utf-8", "replace").split("\n"):
        fields = line.split(":")
        if len(fields) == count and fields[0] and line[0] not in "#+-":
            yield fields


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
