"""What to do about an account, given what is on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import Conflict, Invalid, NotFound, Permanent, Protected
from osapi.domains.user import passwords
from osapi.domains.user.models import UserCreate, UserDelete, UserUpdate
from osapi.domains.user.seen import Seen
from osapi.host.account_files import PasswdLine
from osapi.host.files import FileKind
from osapi.host.plan import Plan, Run

FIRST_ORDINARY_ID = 1000
"""Lower numbers are for the system: Debian Policy 9.2.2, login.defs(5)."""
IN_USE = 8
"""Exit status of usermod(8) and userdel(8) while processes of the account run."""
_OVERFLOW_ID = 65534
"""The account `nobody`."""
_CLOSED = ("nologin", "false")
"""Programs that let nobody in; they are not in /etc/shells."""
_MOVING_S = 280.0


def create(request: UserCreate, seen: Seen, fits: bool | None = None) -> Plan:
    """Make the account; nothing when it is there as it is asked for, except a password that it has never had.

    `fits` says whether it has the password of the request; None when that cannot be told. Raises `Conflict` when
    it is there otherwise or when number, group or home is taken, and as `_check` does.
    """
    account = seen.account(request.name)
    if account is not None:
        _same_or_conflict(request, account, seen)
        return passwords.completion(request, seen, fits)
    wanted = _names(request.groups)
    _check_ids(request, seen)
    _check(request.name, request.uid, request.home, request.shell, wanted, seen)
    options = [
        *(("--uid", str(request.uid)) if request.uid else ()),
        *(("--gid", str(request.gid)) if request.gid else ()),
        *(("--home-dir", request.home) if request.home else ()),
        *(("--shell", request.shell) if request.shell else ()),
        *(("--groups", ",".join(wanted)) if wanted else ()),
        *(("--system",) if request.system else ()),
    ]
    facts = [
        f"uid {request.uid or 'the next free one'}",
        *([f"gid {request.gid}"] if request.gid else []),
        *([f"home {request.home}"] if request.home else []),
        *([f"shell {request.shell}"] if request.shell else []),
        *([f"groups {', '.join(wanted)}"] if wanted else []),
        *(["a password"] if request.password else []),
    ]
    run = Run(argv=("useradd", "--create-home", *options, "--", request.name), privileged=True)
    return Plan((run, *passwords.first(request)), f"+ account {request.name}, {', '.join(facts)}")


def update(request: UserUpdate, seen: Seen) -> Plan:
    """Change what differs. Raises `NotFound`, `Protected` for root, and as `_check` does."""
    account = seen.account(request.name)
    if account is None:
        raise NotFound(f"there is no account {request.name} on this host; create it first")
    if account.uid == 0 and (request.home is not None or request.wants_lock):
        raise Protected(f"account {account.name} has uid 0; its home stays where it is, and it is not locked")
    options: list[str] = []
    diff: list[str] = []
    if request.shell is not None and request.shell != account.shell:
        _check_shell(request.shell, seen)
        options += ["--shell", request.shell]
        diff.append(f"shell {account.shell} -> {request.shell}")
    if request.home is not None and request.home != account.home:
        options += ["--home", request.home, *_moving(account, request.home, seen)]
        diff.append(f"home {account.home} -> {request.home}")
    _regroup(request, seen, options, diff)
    _shut_or_open(request, seen, options, diff)
    if not options:
        return Plan()
    run = Run(
        argv=("usermod", *options, "--", account.name),
        privileged=True,
        deadline_s=_MOVING_S,
        accept=frozenset({0, IN_USE}),
    )
    return Plan((run,), "\n".join([f"account {account.name}:", *diff]))


def delete(request: UserDelete, seen: Seen) -> Plan:
    """Remove the account; nothing when it is not there.

    Raises `Protected` for a system account unless `force`, and always for uid 0.
    """
    account = seen.account(request.name)
    if account is None:
        return Plan()
    is_system = account.uid < FIRST_ORDINARY_ID or account.uid == _OVERFLOW_ID
    if account.uid == 0 or (is_system and not request.force):
        remedy = " and is never deleted" if account.uid == 0 else "; set force to remove it all the same"
        raise Protected(f"account {account.name} (uid {account.uid}) belongs to the system{remedy}")
    run = Run(
        argv=("userdel", *(("--remove",) if request.remove_home else ()), "--", account.name),
        privileged=True,
        deadline_s=_MOVING_S,
        accept=frozenset({0, IN_USE}),
    )
    home = f"home {account.home} removed" if request.remove_home else f"home {account.home} stays"
    return Plan((run,), f"- account {account.name}, uid {account.uid}, {home}")


def _same_or_conflict(request: UserCreate, account: PasswdLine, seen: Seen) -> None:
    groups = sorted(seen.belongs_to(account.name))
    wanted = {
        "uid": (account.uid, request.uid or account.uid),
        "gid": (account.gid, request.gid or account.gid),
        "home": (account.home, request.home or account.home),
        "shell": (account.shell, request.shell or account.shell),
        "groups": (groups, sorted(_names(request.groups)) or groups),
    }
    differing = {
        name: {"found": found, "requested": asked} for name, (found, asked) in wanted.items() if found != asked
    }
    if differing:
        told = "; ".join(f"{name} is {one['found']}, not {one['requested']}" for name, one in differing.items())
        raise Conflict(f"account {account.name} exists: {told}; use update, or delete it first", details=differing)


def _check_ids(request: UserCreate, seen: Seen) -> None:
    holder = next((other.name for other in seen.accounts if request.uid and other.uid == request.uid), None)
    if holder is not None:
        raise Conflict(
            f"uid {request.uid} belongs to account {holder}; choose another",
            details={"uid": request.uid, "account": holder},
        )
    if request.gid and all(group.gid != request.gid for group in seen.groups):
        raise Invalid(f"gid: there is no group {request.gid} on this host; create it first", code="unknown_group")
    namesake = next((group for group in seen.groups if group.name == request.name), None)
    if namesake is not None and not request.gid:
        raise Conflict(
            f"a group {request.name} exists already; give gid {namesake.gid} to make it the primary group",
            details={"group": request.name, "gid": namesake.gid},
        )


def _check(name: str, uid: int, home: str | None, shell: str | None, groups: Iterable[str], seen: Seen) -> None:
    """Raises `Invalid` (`unknown_group`, `invalid_shell`) and `Conflict` for a home that is not free."""
    _check_groups(groups, seen)
    if shell is not None:
        _check_shell(shell, seen)
    if home is not None:
        _check_home(name, uid, home, seen)


def _check_groups(groups: Iterable[str], seen: Seen) -> None:
    known = {group.name for group in seen.groups}
    unknown = [name for name in groups if name not in known]
    if unknown:
        raise Invalid(
            f"groups: there is no group {', '.join(unknown)} on this host; create it first", code="unknown_group"
        )


def _check_shell(shell: str, seen: Seen) -> None:
    """The shell must let somebody in, or nobody at all on purpose; and it must be there."""
    closed = shell.rpartition("/")[2] in _CLOSED
    if not closed and seen.shells is not None and shell not in seen.shells:
        raise Invalid(
            f"shell: {shell} is not in /etc/shells; use one of {', '.join(sorted(seen.shells))}", code="invalid_shell"
        )
    file = seen.files.get(shell)
    if file is None or file.kind in (FileKind.DIRECTORY, FileKind.OTHER):
        raise Invalid(f"shell: there is no program {shell} on this host; install it first", code="invalid_shell")
    if file.kind is FileKind.FILE and not file.mode & 0o111:
        raise Invalid(f"shell: {shell} cannot be run; its mode is {file.mode:04o}", code="invalid_shell")


def _check_home(name: str, uid: int, home: str, seen: Seen) -> None:
    """Raises `Conflict` when the home is another's, no directory, or owned by neither root nor the account."""
    holder = next((other.name for other in seen.accounts if other.home == home and other.name != name), None)
    if holder is not None:
        raise Conflict(f"home: {home} is the home of account {holder}; choose another")
    file = seen.files.get(home)
    if file is None:
        return
    if file.kind is not FileKind.DIRECTORY:
        raise Conflict(f"home: {home} exists and is no directory; choose another")
    if file.uid not in (0, uid):
        raise Conflict(f"home: {home} exists and belongs to uid {file.uid}; give that uid, or move it away")


def _moving(account: PasswdLine, home: str, seen: Seen) -> list[str]:
    """What moves the content of the home, if there is any to move."""
    _check_home(account.name, account.uid, home, seen)
    old = seen.files.get(account.home)
    if old is None or old.kind is not FileKind.DIRECTORY:
        return []
    if seen.files.get(home) is not None:
        raise Conflict(f"home: both {account.home} and {home} exist; move one of them away")
    return ["--move-home"]


def _regroup(request: UserUpdate, seen: Seen, options: list[str], diff: list[str]) -> None:
    if request.groups is None:
        return
    found, wanted = seen.belongs_to(request.name), _names(request.groups)
    if set(found) == set(wanted):
        return
    _check_groups(wanted, seen)
    options += ["--groups", ",".join(wanted)]
    diff += [f"- group {name}" for name in found if name not in wanted]
    diff += [f"+ group {name}" for name in wanted if name not in found]


def _shut_or_open(request: UserUpdate, seen: Seen, options: list[str], diff: list[str]) -> None:
    """Locking takes the password *and* the day: keys open an account whose password is locked, see usermod(8)."""
    if request.wants_lock is None:
        return
    if seen.shadow is None:
        raise Permanent("lock: the agent may not read /etc/shadow; let it run as root", code="denied")
    line, is_shut = seen.shadow.get(request.name), seen.is_shut(request.name)
    is_marked = line is not None and line.is_marked
    if request.wants_lock and not (is_marked and is_shut):
        options += [*(() if is_marked else ("--lock",)), *(() if is_shut else ("--expiredate", "1"))]
        diff.append("locked, for passwords and keys")
    if not request.wants_lock:
        has_hash = line is not None and line.is_marked and line.has_password
        opening = [*(("--unlock",) if has_hash else ()), *(("--expiredate", "") if is_shut else ())]
        options += opening
        diff += ["unlocked"] if opening else []


def _names(given: Iterable[str]) -> list[str]:
    """Each name once, in order; empty ones stand for nobody."""
    return list(dict.fromkeys(filter(None, given)))
