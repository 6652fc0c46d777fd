"""Who calls, what they may do, and on which hosts.

Each permission is held with a `Reach`. A permission that comes from two limited roles reaches the hosts of
both; one that also comes from an unlimited role reaches every host. A role never lends its hosts to the
permissions of another: `read` everywhere and `operator` on `group:web` do not add up to operating everywhere.

Permissions that a token carries itself replace those of its roles; they keep the limit of every limited
role which the token names. Labels of a token limit all of it further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from osapi.auth.roles import Limit, Role, Roles


@dataclass(frozen=True)
class Reach:
    """A set of hosts, told by their labels: those within any of the limits. None means every host."""

    limits: frozenset[Limit] | None = None

    def __call__(self, labels: Mapping[str, str]) -> bool:
        """Whether a host with these labels is in the set."""
        return self.limits is None or any(limit.matches(labels) for limit in self.limits)

    @property
    def is_limited(self) -> bool:
        return self.limits is not None

    def __or__(self, other: Reach) -> Reach:
        if self.limits is None or other.limits is None:
            return EVERYWHERE
        return Reach(self.limits | other.limits)

    def within(self, limit: Limit) -> Reach:
        """Those of the set that are within the limit too."""
        if self.limits is None:
            return Reach(frozenset({limit}))
        return Reach(frozenset(Limit(own.labels + limit.labels) for own in self.limits))


EVERYWHERE = Reach(None)
NOWHERE = Reach(frozenset())


@dataclass(frozen=True)
class Identity:
    """The bearer of a verified token. Satisfies `contract.endpoint.Caller`.

    `grants` holds every permission with the hosts it is good for, `issued` and `expires` seconds since the epoch.
    Of another issuer `subject` is its address, `#`, and its name for the bearer (see `oidc.claims`).
    """

    subject: str
    roles: tuple[str, ...] = ()
    grants: Mapping[str, Reach] = field(default_factory=dict[str, Reach])
    token_id: str = ""
    expires: float = 0.0
    issued: float = 0.0

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission held, on whichever hosts."""
        return frozenset(self.grants)

    def may(self, permission: str) -> bool:
        """Whether the permission is held at all, be it for some hosts only."""
        return permission in self.grants

    def reach(self, permission: str) -> Reach:
        """The hosts for which the permission is held; none when it is not held."""
        return self.grants.get(permission, NOWHERE)

    def reaches(self, labels: Mapping[str, str]) -> bool:
        """Whether a host with these labels is within reach of *every* permission held.

        For routes that combine several permissions: cautious where `reach` is exact.
        """
        return bool(self.grants) and all(reach(labels) for reach in self._reaches)

    @cached_property
    def _reaches(self) -> frozenset[Reach]:
        return frozenset(self.grants.values())


ANONYMOUS = Identity(subject="")
"""Whoever calls a route that is open to everybody."""


def grants(
    role_names: Iterable[str], direct: Iterable[str], roles: Roles, limit: Limit | None = None
) -> Mapping[str, Reach]:
    """The permissions of a token with their reach, within `limit`. Names that are no roles contribute nothing."""
    found = _unlimited(role_names, direct, roles)
    return found if limit is None else {name: reach.within(limit) for name, reach in found.items()}


def _unlimited(role_names: Iterable[str], direct: Iterable[str], roles: Roles) -> dict[str, Reach]:
    held = [roles[name] for name in role_names if name in roles]
    own = frozenset(direct)
    if own:
        reach = _common(held)
        return dict.fromkeys(own, reach)
    found: dict[str, Reach] = {}
    for role in held:
        reach = EVERYWHERE if role.limit is None else Reach(frozenset({role.limit}))
        for permission in role.permissions:
            found[permission] = found.get(permission, NOWHERE) | reach
    return found


def _common(held: Iterable[Role]) -> Reach:
    limits = [role.limit for role in held if role.limit is not None]
    if not limits:
        return EVERYWHERE
    return Reach(frozenset({Limit(tuple(label for limit in limits for label in limit.labels))}))
