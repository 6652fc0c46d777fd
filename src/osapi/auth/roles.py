"""Roles: named sets of permissions, built in or from the settings, for all hosts or for some.

A role of the settings that bears a built-in name replaces the built-in one. A role with labels is limited
to the hosts that carry them; what a token may do with several roles is told in `identity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from osapi.auth import permissions
from osapi.contract.errors import Invalid
from osapi.contract.target import LabelTarget, check_label


class RoleSetting(Protocol):
    """One entry below `controller.api.security.roles`."""

    @property
    def permissions(self) -> Iterable[str]: ...

    @property
    def labels(self) -> Mapping[str, str]:
        """Label to value; empty means every host."""
        ...


@dataclass(frozen=True)
class Limit:
    """The hosts a role is limited to: those which carry every one of these labels.

    A value also means everything below it, as in targets: `web` includes `web.dev`.
    """

    labels: tuple[LabelTarget, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a host with these labels is within the limit."""
        have = dict(labels)
        return all(label.matches(have) for label in self.labels)


@dataclass(frozen=True)
class Role:
    """A set of permissions. `limit` None means on every host."""

    name: str
    permissions: frozenset[str]
    limit: Limit | None = None


Roles = Mapping[str, Role]

_READ = frozenset(name for name in permissions.PERMISSIONS if name.endswith(":read")) - {"audit:read", "token:read"}
_WRITE = frozenset(name for name in permissions.PERMISSIONS if name.endswith(":write")) - {"agent:write", "token:write"}

BUILT_IN: Roles = {
    "admin": Role("admin", frozenset(permissions.PERMISSIONS)),
    "write": Role("write", _READ | _WRITE),
    "read": Role("read", _READ),
}


def from_settings(settings: Mapping[str, RoleSetting]) -> Roles:
    """The built-in roles, with those of the settings added or put in their place.

    Raises `Invalid` for an unknown permission or a malformed label; the message names the setting.
    """
    return {**BUILT_IN, **{name: _role(name, setting) for name, setting in settings.items()}}


def check_names(names: Iterable[str], roles: Roles) -> None:
    """Raise `Invalid` for names that are no roles."""
    unknown = sorted(set(names).difference(roles))
    if unknown:
        raise Invalid(f"unknown role {', '.join(unknown)}; there are {', '.join(sorted(roles))}")


def _role(name: str, setting: RoleSetting) -> Role:
    key = f"controller.api.security.roles.{name}"
    permissions.check(setting.permissions, where=f"{key}.permissions")
    return Role(name, frozenset(setting.permissions), limit_of(f"{key}.labels", setting.labels))


def limit_of(where: str, labels: Mapping[str, str]) -> Limit | None:
    """The limit of these labels; None for none. Raises `Invalid` for a malformed one; `where` says who names it."""
    if not labels:
        return None
    for label, value in labels.items():
        try:
            check_label(label, value)
        except Invalid as fault:
            raise Invalid(f"{where}: {fault.message}") from fault
    return Limit(tuple(LabelTarget(label, value) for label, value in sorted(labels.items())))
