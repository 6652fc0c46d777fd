"""What to do about the password of an account, given what is on the host. Pure.

Passwords reach chpasswd(8) by its standard input, where nobody else sees them, and nothing interprets them. `fits` says
whether an account has the password in question; None when that cannot be told.
"""

from __future__ import annotations

from osapi.contract.errors import Conflict, NotFound
from osapi.contract.secret import Secret
from osapi.domains.user.models import UserCreate, UserPassword
from osapi.domains.user.seen import Seen
from osapi.host.plan import Plan, Run


def change(request: UserPassword, seen: Seen, fits: bool | None) -> Plan:
    """Set the password; nothing when it is the one that the account has.

    Raises `NotFound`, and `Conflict` (`locked`) when a new password would open an account that was locked.
    """
    if seen.account(request.name) is None:
        raise NotFound(f"there is no account {request.name} on this host; create it first")
    line = (seen.shadow or {}).get(request.name)
    if line is not None and line.is_marked and line.has_password:
        raise Conflict(
            f"account {request.name} is locked, and a new password would open it; unlock it first, with update",
            code="locked",
        )
    if fits:
        return Plan()
    is_first = line is not None and not line.has_password
    word = "set" if is_first else "replaced"
    return Plan(
        (_setting(request.name, request.password, hashed=request.hashed),), f"account {request.name}: password {word}"
    )


def first(request: UserCreate) -> tuple[Run, ...]:
    """Give a new account its password, if it is to have one."""
    if request.password is None:
        return ()
    return (_setting(request.name, request.password, hashed=request.hashed),)


def completion(request: UserCreate, seen: Seen, fits: bool | None) -> Plan:
    """What an account that is there otherwise as asked for still lacks: it may have been made without its password.

    Raises `Conflict` when it has another one.
    """
    line = (seen.shadow or {}).get(request.name)
    if request.password is None or line is None:
        return Plan()
    if not line.has_password:
        return Plan(first(request), f"account {request.name}: password set")
    if fits is False:
        raise Conflict(
            f"account {request.name} exists with another password; set it with `user password`",
            details={"password": {"found": "another one", "requested": "not shown"}},
        )
    return Plan()


def _setting(name: str, password: Secret, *, hashed: bool) -> Run:
    """Clear passwords are hashed in the way that the host has chosen."""
    return Run(
        argv=("chpasswd", *(("--encrypted",) if hashed else ())),
        stdin=f"{name}:{password.reveal()}\n".encode(),
        privileged=True,
    )
