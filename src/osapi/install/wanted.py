"""What broker, controller and agent need on a machine, as data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osapi.agent.preflight import granted
from osapi.host import sudoers
from osapi.host.grants import ROOT_DIR, Member
from osapi.install import units
from osapi.install.units import AGENT_DATA, SERVER_ACCOUNT, SERVER_DATA

SYSTEM_UNITS = "/etc/systemd/system"
PACKAGED_UNITS = "/usr/lib/systemd/system"
"""Where the Debian package has its units; one of the same content needs no other."""
SETTINGS = "/etc/osapi/osapi.yaml"
SETTINGS_TEXT = "# Settings of OSAPI; docs/reference/settings.md lists all. What is not set here has its default.\n"
_KEPT = "agent/join.token"
"""Where an agent looks for its join token, below its folder."""
JOINED = f"{AGENT_DATA}/agent/joined.json"
"""Where it notes that it has joined."""
LOCAL_TOKEN = f"{SERVER_DATA}/join.token"
"""Where the controller of this machine has one for its agent."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A system account without login.

    `groups` are further groups it is in, `not_in` those it is not in; what the machine lacks does not matter.
    """

    name: str
    home: str
    groups: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder and whose it is. `by_owner`: it is in another folder of its owner."""

    path: str
    mode: int
    owner: str = "root"
    by_owner: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """A file. `keep` leaves one that is there as it is; `secret` keeps its content out of what is shown."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    keep: bool = False
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """All that one program needs as a service. `left` is what stays when it is taken away, in words."""

    unit: File
    account: Account | None = None
    folders: tuple[Folder, ...] = ()
    files: tuple[File, ...] = ()
    sudoers: File | None = None
    left: tuple[str, ...] = ()

    @property
    def packaged_unit(self) -> str:
        """Where the unit is that a package has brought, if there is one."""
        return f"{PACKAGED_UNITS}/{self.unit_name}"

    @property
    def unit_name(self) -> str:
        return self.unit.path.rpartition("/")[2]


def broker(osapi: str) -> Wanted:
    """What the broker needs. `osapi` is the path of the program, here and below."""
    return _server(_unit(units.BROKER, units.broker(osapi)))


def controller(osapi: str) -> Wanted:
    """What the controller needs."""
    return _server(_unit(units.CONTROLLER, units.controller(osapi)))


def agent(osapi: str, helper: str, account: str | None, token: bytes, without: tuple[str, ...] = ()) -> Wanted:
    """An agent that is root, or one that is `account` and goes through sudo.

    `token` is the join token with which it will ask to join, empty for none; `without` are the domains that are granted
    nothing.
    """
    owner = account or "root"
    folders = ("", "/agent") if token else ("",)
    kept = File(path=f"{AGENT_DATA}/{_KEPT}", content=token, mode=0o600, owner=owner, keep=True, secret=True)
    grants = granted(without)
    text = "" if account is None else sudoers.text(account, grants, helper)
    return Wanted(
        unit=_unit(units.AGENT, units.agent(osapi, account)),
        account=None if account is None else _account(account, _groups(grants)),
        folders=(
            Folder(path="/etc/osapi", mode=0o755),
            *(Folder(path=AGENT_DATA + name, mode=0o700, owner=owner, by_owner=bool(name)) for name in folders),
            *(() if account is None else (Folder(path=ROOT_DIR, mode=0o700),)),
        ),
        files=(_settings(), *((kept,) if token else ())),
        sudoers=File(path=sudoers.PATH, content=text.encode(), mode=sudoers.MODE) if text else None,
        left=(AGENT_DATA, ROOT_DIR, "/etc/osapi", *(() if account is None else (f"the account {account}",))),
    )


def _server(unit: File) -> Wanted:
    return Wanted(
        unit=unit,
        account=Account(name=SERVER_ACCOUNT, home=SERVER_DATA),
        folders=(Folder(path="/etc/osapi", mode=0o755), Folder(path=SERVER_DATA, mode=0o700, owner=SERVER_ACCOUNT)),
        files=(_settings(),),
        left=(SERVER_DATA, "/etc/osapi", f"the account {SERVER_ACCOUNT}"),
    )


def _account(name: str, groups: tuple[str, ...]) -> Account:
    withheld = tuple(group for group in _groups(granted()) if group not in groups)
    return Account(name=name, home=AGENT_DATA, groups=groups, not_in=withheld)


def _groups(grants: Mapping[str, tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(grant.group for each in grants.values() for grant in each if isinstance(grant, Member)))


def _settings() -> File:
    """Without secrets; whoever writes some into it narrows its mode, as the package does."""
    return File(path=SETTINGS, content=SETTINGS_TEXT.encode(), mode=0o644, keep=True)


def _unit(name: str, text: str) -> File:
    return File(path=f"{SYSTEM_UNITS}/{name}", content=text.encode())
