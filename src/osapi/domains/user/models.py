"""What the user operations take and answer. Passwords are secrets, and no answer holds one."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change
from osapi.contract.secret import Secret
from osapi.domains.user import authorized_keys

_ID_MAX = 4294967294

Name = Annotated[
    str,
    Meta(
        description="Name of the account.",
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*\$?$(?!\n)",
        examples=["alice"],
    ),
]

NewName = Annotated[
    str,
    Meta(
        description="Name of the new account: small letters, digits, `_` and `-`, beginning with a letter or `_`.",
        min_length=1,
        max_length=32,
        pattern=r"^[a-z_][a-z0-9_-]*\$?$(?!\n)",
        examples=["alice"],
    ),
]

PlainPath = Annotated[str, Meta(max_length=256, pattern=r"^(?:/(?!\.{1,2}(?:/|$))[^\x00-\x1f\x7f:/]+)+$(?!\n)")]
"""An absolute path without `.`, `..`, empty parts, colons and control characters."""

GroupName = Annotated[str, Meta(max_length=32, pattern=r"^(?:[A-Za-z_][A-Za-z0-9_.-]*\$?)?$(?!\n)")]
"""Name of a group; an empty one stands for none, so that a command line can empty a list."""

GroupNames = Annotated[list[GroupName], Meta(max_length=1024)]


class Password(Secret):
    """A password, or the hash of one. 511 bytes are what crypt(3) and PAM take."""

    longest = 511
    pattern = r"^[^\x00-\x1f\x7f]+$(?!\n)"
    form = "without control characters"


PasswordText = Annotated[Password, Meta(extra_json_schema=Password.schema())]

Hashed = Annotated[
    bool, Meta(description="Whether `password` is the hash of one as crypt(5) has it, such as `$y$…` or `$6$…`.")
]

_BYTES_MAX = 511
_HASH = re.compile(r"\$[A-Za-z0-9_]+\$[!-~]+")
_NOT_IN_HASHES = frozenset(":;*!\\")
"""crypt(5), "AVAILABLE HASHING METHODS": they separate fields, mark locks, or mean something to a shell."""


class UserName(Struct, kw_only=True):
    """Names one account."""

    name: Name


class UserCreate(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An account to make. Without a password none lets anybody in."""

    name: NewName
    uid: Annotated[int, Meta(description="Number of the account. 0: the next free one.", ge=0, le=_ID_MAX)] = 0
    gid: Annotated[
        int,
        Meta(description="Number of its primary group. 0: what the host does for new accounts.", ge=0, le=_ID_MAX),
    ] = 0
    home: Annotated[
        PlainPath | None,
        Meta(
            description="Home directory, an absolute path; made when it is not there. "
            "Default: what the host does for new accounts.",
            examples=["/home/alice"],
        ),
    ] = None
    shell: Annotated[
        PlainPath | None,
        Meta(
            description="Login shell, one of /etc/shells or one that lets nobody in. Default: that of the host.",
            examples=["/bin/bash"],
        ),
    ] = None
    groups: Annotated[GroupNames, Meta(description="Groups to belong to beside the primary one.")] = []
    password: Annotated[PasswordText | None, Meta(description="Its password. Default: none.")] = None
    hashed: Hashed = False
    system: Annotated[bool, Meta(description="Take the number from the range for system accounts.")] = False

    def __post_init__(self) -> None:
        _check_password(self.password, hashed=self.hashed)


class UserPassword(Struct, kw_only=True):
    """The password that an account shall have."""

    name: Name
    password: Annotated[PasswordText, Meta(description="The password.")]
    hashed: Hashed = False

    def __post_init__(self) -> None:
        _check_password(self.password, hashed=self.hashed)


class UserUpdate(Struct, kw_only=True):
    """What shall be different about an account; what is left out stays as it is."""

    name: Name
    shell: Annotated[
        PlainPath | None,
        Meta(
            description="Login shell, one of /etc/shells or one that lets nobody in.",
            examples=["/bin/bash"],
        ),
    ] = None
    home: Annotated[
        PlainPath | None,
        Meta(
            description="Home directory, an absolute path. What is in the old one moves there.",
            examples=["/home/alice"],
        ),
    ] = None
    groups: Annotated[
        GroupNames | None,
        Meta(description="All groups to belong to beside the primary one. An empty list, or one empty name: none."),
    ] = None
    lock: Annotated[
        bool | None,
        Meta(description="True shuts the account, for passwords and keys alike; false opens it again."),
    ] = None
    unlock: Annotated[bool, Meta(description="The same as `lock` false.")] = False

    def __post_init__(self) -> None:
        if self.lock is not None and self.unlock:
            raise ValueError("lock and unlock exclude one another; give one of them")
        if self.wants_lock is None and self.shell is None and self.home is None and self.groups is None:
            raise ValueError("nothing to update; give at least one of shell, home, groups, lock")

    @property
    def wants_lock(self) -> bool | None:
        """Whether it shall be shut (True) or open (False); None when that does not matter."""
        return False if self.unlock else self.lock


class UserDelete(Struct, kw_only=True):
    """An account to remove."""

    name: Name
    remove_home: Annotated[
        bool, Meta(description="Remove the home directory and the mail of the account too. Default: they stay.")
    ] = False
    force: Annotated[bool, Meta(description="Remove it also when it is a system account (number below 1000).")] = False


class User(Struct, kw_only=True, omit_defaults=True):
    """One account."""

    name: Annotated[str, Meta(description="Name of the account.")]
    uid: Annotated[int, Meta(description="Number of the account.")]
    gid: Annotated[int, Meta(description="Number of its primary group.")]
    home: Annotated[str, Meta(description="Home directory.")]
    shell: Annotated[str, Meta(description="Login shell.")]
    groups: Annotated[list[str], Meta(description="Groups it belongs to, the primary one first.")]
    locked: Annotated[
        bool | None,
        Meta(
            description="Whether no password lets anybody in: it is locked, there is none, or the account is shut. "
            "Absent when the agent may not know."
        ),
    ] = None
    expired: Annotated[
        bool | None,
        Meta(description="Whether the account is shut for keys too. Absent when the agent may not know."),
    ] = None


class UserReport(Struct, kw_only=True):
    """The accounts that were asked for."""

    users: Annotated[list[User], Meta(description="The accounts, in the order of /etc/passwd.")]


class UserChange(Change, kw_only=True):
    """What became of an account."""

    name: Annotated[str, Meta(description="Name of the account.")]


class SshKeyAdd(Struct, kw_only=True):
    """A key that shall open an account."""

    name: Name
    key: Annotated[
        str,
        Meta(
            description="Public key as one line of authorized_keys(5): type, key, comment, with options before them.",
            min_length=1,
            max_length=16384,
            pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
            examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop"],
        ),
    ]

    def __post_init__(self) -> None:
        authorized_keys.checked(self.key)


class SshKeyRemove(Struct, kw_only=True):
    """A key that shall not open an account any more."""

    name: Name
    fingerprint: Annotated[
        str,
        Meta(
            description="Fingerprint of the key as ssh-keygen(1) shows it.",
            pattern=r"^SHA256:[A-Za-z0-9+/]{43}$(?!\n)",
            examples=["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"],
        ),
    ]


class SshKey(Struct, kw_only=True, omit_defaults=True):
    """One key that opens an account."""

    type: Annotated[str, Meta(description="Kind of key, for example `ssh-ed25519`.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of the key as ssh-keygen(1) shows it.")]
    comment: Annotated[str, Meta(description="What stands after the key.")]
    options: Annotated[str, Meta(description="Options before the key; empty when there are none.")] = ""


class SshKeyReport(Struct, kw_only=True):
    """The keys of an account."""

    keys: Annotated[list[SshKey], Meta(description="The keys, in the order of the file.")]


class SshKeyChange(Change, kw_only=True):
    """What became of the keys of an account."""

    fingerprint: Annotated[str, Meta(description="Fingerprint of the key.")]


def _check_password(password: Secret | None, *, hashed: bool) -> None:
    """Raise `ValueError`, which never tells the password."""
    if password is None:
        if hashed:
            raise ValueError("hashed: there is no password; give its hash in `password`")
        return
    text = password.reveal()
    if len(text.encode()) > _BYTES_MAX:
        raise ValueError(f"password: longer than {_BYTES_MAX} bytes, which no host takes")
    if hashed and (not _HASH.fullmatch(text) or _NOT_IN_HASHES.intersection(text)):
        raise ValueError("password: this is no hash; expected what `openssl passwd -6` or mkpasswd(1) prints")
