"""Accounts in /etc/passwd, changed by the programs of shadow: useradd(8), usermod(8), userdel(8), chpasswd(8).

Keys are in ~/.ssh/authorized_keys. The agent never follows a link on the way there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date

from osapi.contract.errors import Conflict, MissingTool, NotFound, Permanent
from osapi.contract.operation import Nothing
from osapi.domains.user import authorized_keys, decisions, key_decisions, passwords
from osapi.domains.user.authorized_keys import Key
from osapi.domains.user.models import (
    SshKey,
    SshKeyAdd,
    SshKeyChange,
    SshKeyRemove,
    SshKeyReport,
    User,
    UserChange,
    UserCreate,
    UserDelete,
    UserName,
    UserPassword,
    UserReport,
    UserUpdate,
)
from osapi.domains.user.provider import UserProvider
from osapi.domains.user.seen import Seen
from osapi.host import account_files, crypt
from osapi.host.account_files import PasswdLine, ShadowLine
from osapi.host.door import Host
from osapi.host.files import FileKind, FileStat
from osapi.host.plan import Applied, Plan, Run

_SHELLS = "/etc/shells"
_MERGED = ("/bin/", "/sbin/")
"""Directories that are links into /usr on most systems: file-hierarchy(7)."""
_EPOCH = date(1970, 1, 1)
_LIMIT = 64 << 20
"""Bytes an account file may have."""


class LinuxUser:
    """Keeps accounts and the keys that open them."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def users(self, _: Nothing, /) -> UserReport:
        """Every account of /etc/passwd."""
        seen = await self._look()
        names = {group.gid: group.name for group in reversed(seen.groups)}
        belongs: dict[str, list[str]] = {}
        for group in seen.groups:
            for member in group.members:
                belongs.setdefault(member, []).append(group.name)
        return UserReport(
            users=[_told(one, names.get(one.gid), belongs.get(one.name, []), seen) for one in seen.accounts]
        )

    async def get(self, request: UserName, /) -> UserReport:
        """One account. Raises `NotFound`."""
        seen = await self._look()
        account = _known(request.name, seen)
        return UserReport(users=[_told(account, _group_name(account, seen), seen.belongs_to(account.name), seen)])

    async def create(self, request: UserCreate, /) -> UserChange:
        """Make an account. A second call changes nothing; see `decisions.create` for refusals."""
        seen = await self._look(homes=[request.home], shell=request.shell)
        return await self._change(request.name, decisions.create(request, seen, await _fits(request, seen)))

    async def update(self, request: UserUpdate, /) -> UserChange:
        """Change an account. A second call changes nothing; see `decisions.update` for refusals."""
        account = (await self._look()).account(request.name)
        homes = [request.home, account.home] if account is not None and request.home is not None else []
        seen = await self._look(homes=homes, shell=request.shell)
        return await self._change(request.name, decisions.update(request, seen))

    async def delete(self, request: UserDelete, /) -> UserChange:
        """Remove an account. A second call changes nothing; see `decisions.delete` for refusals."""
        return await self._change(request.name, decisions.delete(request, await self._look()))

    async def set_password(self, request: UserPassword, /) -> UserChange:
        """Set a password. A second call changes nothing; see `passwords.change` for refusals."""
        seen = await self._look()
        return await self._change(request.name, passwords.change(request, seen, await _fits(request, seen)))

    async def keys(self, request: UserName, /) -> SshKeyReport:
        """The keys of an account. Raises `NotFound` for an unknown account."""
        account = _known(request.name, await self._look())
        content = await self._host.read(key_decisions.file_of(account.home))
        return SshKeyReport(keys=[_told_key(key) for key in authorized_keys.keys(content or b"")])

    async def add_key(self, request: SshKeyAdd, /) -> SshKeyChange:
        """Let a key open an account. A second call changes nothing; see `key_decisions.add` for refusals."""
        key = authorized_keys.checked(request.key)
        applied = await self._apply(key_decisions.add(key, await self._look_at_keys(request.name)))
        return SshKeyChange(changed=applied.changed, diff=applied.diff, fingerprint=key.fingerprint)

    async def remove_key(self, request: SshKeyRemove, /) -> SshKeyChange:
        """Take a key out. A second call changes nothing. Raises `NotFound` for an unknown account."""
        plan = key_decisions.remove(request.fingerprint, await self._look_at_keys(request.name))
        applied = await self._apply(plan)
        return SshKeyChange(changed=applied.changed, diff=applied.diff, fingerprint=request.fingerprint)

    async def _change(self, name: str, plan: Plan) -> UserChange:
        applied = await self._apply(plan)
        return UserChange(changed=applied.changed, diff=applied.diff, name=name)

    async def _apply(self, plan: Plan) -> Applied:
        for action in plan.actions:
            if isinstance(action, Run) and self._host.which(action.argv[0]) is None:
                raise MissingTool(f"{action.argv[0]} is not installed on this host")
        applied = await self._host.apply(plan)
        for run in applied.runs:
            if run.exit_code == decisions.IN_USE:
                words = run.stderr.decode("utf-8", "replace").strip()
                raise Conflict(f"{words}; end its processes first", code="in_use")
        return applied

    async def _look(self, *, homes: Iterable[str | None] = (), shell: str | None = None) -> Seen:
        files = {home: await self._host.stat(home) for home in homes if home is not None}
        if shell is not None:
            files[shell] = await self._program(shell)
        listed = await self._host.read(_SHELLS, follow=True)
        return Seen(
            accounts=account_files.passwd(await self._read(account_files.ACCOUNTS)),
            groups=account_files.groups(await self._read(account_files.GROUPS)),
            shadow=await self._shadow(),
            today=(self._host.now().date() - _EPOCH).days,
            shells=None if listed is None else _shells(listed),
            files=files,
        )

    async def _read(self, path: str) -> bytes:
        return await self._host.read(path, _LIMIT) or b""

    async def _shadow(self) -> dict[str, ShadowLine] | None:
        try:
            content = await self._host.read(account_files.SHADOW, _LIMIT)
        except Permanent as refusal:
            if refusal.error_code != "denied":
                raise
            return None
        return None if content is None else account_files.shadow(content)

    async def _program(self, path: str) -> FileStat | None:
        """What a shell is, also where /bin is a link into /usr, which the host does not walk through."""
        if path.startswith(_MERGED):
            top = await self._host.stat(path[: path.index("/", 1)])
            if top is not None and top.kind is FileKind.LINK:
                path = f"/usr{path}"
        return await self._host.stat(path)

    async def _look_at_keys(self, name: str) -> key_decisions.Seen:
        seen = await self._look()
        account = _known(name, seen)
        directory, file = key_decisions.directory_of(account.home), key_decisions.file_of(account.home)
        return key_decisions.Seen(
            account=account,
            group=_group_name(account, seen),
            home=await self._host.stat(account.home),
            directory=await self._host.stat(directory),
            file=await self._host.stat(file),
            content=await self._host.read(file),
        )


async def _fits(request: UserCreate | UserPassword, seen: Seen) -> bool | None:
    """Whether the account has this password, or this hash; None when that cannot be told."""
    line = (seen.shadow or {}).get(request.name)
    if line is None or request.password is None:
        return None
    if request.hashed:
        return line.password == request.password
    return await asyncio.to_thread(crypt.fits, request.password, line.password)


def _known(name: str, seen: Seen) -> PasswdLine:
    account = seen.account(name)
    if account is None:
        raise NotFound(f"there is no account {name} on this host")
    return account


def _group_name(account: PasswdLine, seen: Seen) -> str | None:
    return next((group.name for group in seen.groups if group.gid == account.gid), None)


def _told(account: PasswdLine, primary: str | None, others: list[str], seen: Seen) -> User:
    line = None if seen.shadow is None else seen.shadow.get(account.name)
    shut = seen.is_shut(account.name)
    return User(
        name=account.name,
        uid=account.uid,
        gid=account.gid,
        home=account.home,
        shell=account.shell or "/bin/sh",
        groups=list(dict.fromkeys([*([] if primary is None else [primary]), *others])),
        locked=None if line is None else line.is_locked or shut,
        expired=None if line is None else shut,
    )


def _told_key(key: Key) -> SshKey:
    return SshKey(type=key.type, fingerprint=key.fingerprint, comment=key.comment, options=key.options)


def _shells(content: bytes) -> frozenset[str]:
    lines = (line.partition("#")[0].strip() for line in content.decode("utf-8", "replace").splitlines())
    return frozenset(line for line in lines if line)


def provider(host: Host) -> UserProvider:
    """A provider for one job."""
    return LinuxUser(host)
