"""What to do about the keys of an account, given what is in its home. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Conflict
from osapi.domains.user import authorized_keys
from osapi.domains.user.authorized_keys import Key
from osapi.host.account_files import PasswdLine
from osapi.host.failures import unsafe
from osapi.host.files import FileKind, FileStat
from osapi.host.plan import Action, Plan, Run, Write

_OTHERS_WRITE = 0o022
"""sshd ignores keys that others may write: StrictModes of sshd_config(5)."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The home of an account as far as keys go."""

    account: PasswdLine
    group: str | None
    """Name of its primary group; None when it has none."""
    home: FileStat | None
    directory: FileStat | None
    file: FileStat | None
    content: bytes | None

    @property
    def directory_path(self) -> str:
        return directory_of(self.account.home)

    @property
    def path(self) -> str:
        return file_of(self.account.home)


def directory_of(home: str) -> str:
    """Where an account keeps what belongs to SSH."""
    return f"{home.rstrip('/')}/.ssh"


def file_of(home: str) -> str:
    """The file of its keys."""
    return f"{directory_of(home)}/authorized_keys"


def add(key: Key, seen: Seen) -> Plan:
    """Let the key open the account; nothing when it does.

    Raises `Conflict` when the key is there with other options, when there is no home (`no_home`), and when the
    directory belongs to somebody else.
    """
    before = seen.content or b""
    there = [found for found in authorized_keys.keys(before) if found.fingerprint == key.fingerprint]
    if there and all(found.options != key.options for found in there):
        raise Conflict(
            f"{key.fingerprint} opens {seen.account.name} with other options; remove it first",
            details={"fingerprint": key.fingerprint, "found": there[0].options, "requested": key.options},
        )
    after = before if there else authorized_keys.added(before, key)
    actions, diff = _directory(seen)
    if after != before or seen.file is None or _is_loose(seen.file, seen.account):
        actions.append(_write(after, seen))
        diff.append(f"{seen.path}: mode and owner" if there else f"{seen.path}: + {_told(key)}")
    return Plan(tuple(actions), "\n".join(diff))


def remove(fingerprint: str, seen: Seen) -> Plan:
    """Take the key out, however often it is there; nothing when it is not."""
    if seen.content is None:
        return Plan()
    gone = [key for key in authorized_keys.keys(seen.content) if key.fingerprint == fingerprint]
    if not gone:
        return Plan()
    after = authorized_keys.removed(seen.content, fingerprint)
    return Plan((_write(after, seen),), "\n".join(f"{seen.path}: - {_told(key)}" for key in gone))


def _directory(seen: Seen) -> tuple[list[Action], list[str]]:
    """Made and mended by the account itself, so that nothing in its home can lead the agent elsewhere."""
    account, path = seen.account, seen.directory_path
    if seen.home is None or seen.home.kind is not FileKind.DIRECTORY:
        raise Conflict(f"account {account.name} has no home directory {account.home}; make it first", code="no_home")
    found = seen.directory
    if found is None:
        made = Run(argv=("mkdir", "--mode=0700", "--", path), user=account.name)
        return [made], [f"+ {path}, mode 0700"]
    if found.kind is not FileKind.DIRECTORY:
        raise unsafe(f"{path} is a {found.kind.value}, not a directory")
    if found.uid not in (0, account.uid):
        raise Conflict(f"{path} belongs to uid {found.uid}, so sshd ignores it; give it to {account.name}")
    if not found.mode & _OTHERS_WRITE:
        return [], []
    mended = Run(argv=("chmod", "go-w", "--", path), user=account.name)
    return [mended], [f"{path}: mode {found.mode:04o} -> {found.mode & ~_OTHERS_WRITE:04o}"]


def _write(content: bytes, seen: Seen) -> Write:
    mode = 0o600 if seen.file is None else seen.file.mode & 0o777 & ~_OTHERS_WRITE
    return Write(path=seen.path, content=content, mode=mode, owner=seen.account.name, group=seen.group)


def _is_loose(file: FileStat, account: PasswdLine) -> bool:
    return bool(file.mode & _OTHERS_WRITE) or file.uid not in (0, account.uid)


def _told(key: Key) -> str:
    """The key for people; options may hold secrets (`environment=`), so they are only counted in."""
    with_options = " (with options)" if key.options else ""
    return " ".join(filter(None, (key.type, key.fingerprint, key.comment))) + with_options
