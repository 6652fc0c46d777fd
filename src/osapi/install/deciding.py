"""What to do so that a machine has what is wanted, or no longer has it, given what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from osapi.host.files import FileStat
from osapi.host.plan import Action, Plan, Remove, Run, Write, file_diff
from osapi.install.wanted import Account, File, Folder, Wanted

_START_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is there: files and folders by path, and the names by which the machine knows accounts and groups."""

    stats: Mapping[str, FileStat | None]
    contents: Mapping[str, bytes | None]
    uids: Mapping[str, int]
    groups: frozenset[str]
    memberships: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    enabled: bool = False
    active: bool = False

    def is_right(self, path: str, mode: int, owner: str) -> bool:
        """Whether mode and owner are as they should be."""
        stat = self.stats.get(path)
        return stat is not None and stat.mode == mode and stat.uid == self.uids.get(owner)


def install(wanted: Wanted, seen: Seen) -> Plan:
    """Account, folders, files, sudoers, unit, in this order. Nothing that is as it should be is touched."""
    sudo = [] if wanted.sudoers is None else [_sudoers(wanted.sudoers, seen)]
    plan = Plan.of(
        *([] if wanted.account is None else [_account(wanted.account, seen)]),
        *(_folder(folder, seen) for folder in wanted.folders),
        *(_file(file, seen) for file in wanted.files),
        *sudo,
    )
    unit = _unit(wanted, seen)
    return Plan.of(plan, unit, _service(wanted, seen, changed=bool(unit.actions or plan.actions)))


def uninstall(wanted: Wanted, seen: Seen) -> Plan:
    """Take the unit and the sudoers file away. Data, settings and accounts stay."""
    name = wanted.unit_name
    ours = [wanted.unit.path, *([wanted.sudoers.path] if wanted.sudoers else [])]
    gone = [path for path in ours if seen.stats.get(path) is not None]
    ending: list[Action] = []
    if seen.active or seen.enabled:
        ending.append(_systemctl("disable", "--now", "--", name))
    reload = [_systemctl("daemon-reload")] if wanted.unit.path in gone else []
    diff = [*(["- the service runs no longer"] if ending else []), *(f"- {path}" for path in gone)]
    return Plan((*ending, *(Remove(path=path) for path in gone), *reload), "\n".join(diff))


def _account(account: Account, seen: Seen) -> Plan:
    groups = [name for name in account.groups if name in seen.groups]
    if account.name not in seen.uids:
        options = ("--system", "--user-group", "--home-dir", account.home, "--no-create-home")
        shell = ("--shell", "/usr/sbin/nologin", *(("--groups", ",".join(groups)) if groups else ()))
        told = "".join(f", in group {name}" for name in groups)
        return Plan((Run(argv=("useradd", *options, *shell, "--", account.name)),), f"+ account {account.name}{told}")
    return _memberships(account, groups, seen.memberships.get(account.name, frozenset()))


def _memberships(account: Account, groups: list[str], member: frozenset[str]) -> Plan:
    missing = [name for name in groups if name not in member]
    over = [name for name in account.not_in if name in member]
    joining = [Run(argv=("usermod", "--append", "--groups", ",".join(missing), "--", account.name))] if missing else []
    leaving = [Run(argv=("gpasswd", "--delete", account.name, name)) for name in over]
    signs = [*(("+", name) for name in missing), *(("-", name) for name in over)]
    told = [f"{sign} account {account.name} in group {name}" for sign, name in signs]
    return Plan((*joining, *leaving), "\n".join(told))


def _folder(folder: Folder, seen: Seen) -> Plan:
    """One in a folder of somebody else is made by its owner, who could have put a link in its place."""
    if seen.is_right(folder.path, folder.mode, folder.owner):
        return Plan()
    mode, word = f"{folder.mode:04o}", "mode and owner" if seen.stats.get(folder.path) else "made"
    owned = () if folder.by_owner else ("-o", folder.owner, "-g", folder.owner)
    user = folder.owner if folder.by_owner else None
    run = Run(argv=("install", "-d", "-m", mode, *owned, "--", folder.path), user=user)
    return Plan((run,), f"{folder.path}: {word}, {mode} {folder.owner}")


def _file(file: File, seen: Seen) -> Plan:
    before = seen.contents.get(file.path)
    if before is not None and file.keep:
        return Plan()
    if before == file.content and seen.is_right(file.path, file.mode, file.owner):
        return Plan()
    write = Write(path=file.path, content=file.content, mode=file.mode, owner=file.owner, group=file.owner)
    shown = f"{file.path}: written, {file.mode:04o} {file.owner}"
    return Plan((write,), shown if file.secret else file_diff(file.path, before, file.content) or shown)


def _unit(wanted: Wanted, seen: Seen) -> Plan:
    """One of the same content that a package has brought is enough."""
    if seen.contents.get(wanted.packaged_unit) != wanted.unit.content:
        return _file(wanted.unit, seen)
    before = seen.contents.get(wanted.unit.path)
    if before is None:
        return Plan()
    return Plan((Remove(path=wanted.unit.path),), file_diff(wanted.unit.path, before, None))


def _sudoers(file: File, seen: Seen) -> Plan:
    """A sudoers file that sudo cannot read would shut everybody out of sudo; so it is tried first."""
    plan = _file(file, seen)
    tried = Run(argv=("visudo", "--check", "--file=-"), stdin=file.content, failure="invalid_sudoers")
    return Plan((tried, *plan.actions), plan.diff) if plan.actions else plan


def _service(wanted: Wanted, seen: Seen, *, changed: bool) -> Plan:
    actions, told = list[Action](), list[str]()
    if changed:
        actions.append(_systemctl("daemon-reload"))
    if not seen.enabled:
        actions.append(_systemctl("enable", "--", wanted.unit_name))
        told.append(f"{wanted.unit_name}: enabled")
    if changed and seen.active:
        actions.append(_systemctl("try-restart", "--", wanted.unit_name))
        told.append(f"{wanted.unit_name}: restarted")
    return Plan(tuple(actions), "\n".join(told))


def _systemctl(*words: str) -> Run:
    return Run(argv=("systemctl", *words), deadline_s=_START_S)


def paths(wanted: Wanted) -> Iterable[str]:
    """All that has to be looked at."""
    files = [*wanted.files, wanted.unit, *([wanted.sudoers] if wanted.sudoers else [])]
    return [*(folder.path for folder in wanted.folders), *(file.path for file in files), wanted.packaged_unit]
