"""What a token of another issuer says, and what that is worth here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from osapi.auth.identity import Reach, grants
from osapi.auth.roles import Limit, Roles, check_names, limit_of
from osapi.config.controller import Oidc
from osapi.contract.errors import Invalid

ANYBODY = "*"


class Claims(msgspec.Struct, frozen=True):
    """The registered claims (RFC 7519, 4.1) that must be there, and those that may. Seconds since the epoch."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: float
    iat: float
    nbf: float | None = None
    jti: str | None = None


_decode = msgspec.json.Decoder(Claims).decode
_decode_all = msgspec.json.Decoder(dict[str, Any]).decode


def read(payload: bytes) -> tuple[Claims, Mapping[str, Any]]:
    """The registered claims, and all of them. Raises `msgspec.DecodeError`."""
    return _decode(payload), _decode_all(payload)


def are_good(claims: Claims, section: Oidc, now: float) -> bool:
    """Whether the token is of this issuer, for this controller, and for now."""
    skew = section.clock_skew.total_seconds()
    audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    return (
        claims.iss == section.issuer
        and section.audience in audiences
        and bool(claims.sub)
        and claims.jti != ""
        and claims.iat <= now + skew
        and (claims.nbf is None or claims.nbf <= now + skew)
        and now < claims.exp + skew
    )


@dataclass(frozen=True)
class Mapped:
    """One rule of the settings."""

    value: str
    roles: tuple[str, ...]
    limit: Limit | None


class Rules:
    """From values of a claim to permissions. Raises `Invalid` for roles that do not exist and bad labels."""

    def __init__(self, section: Oidc, roles: Roles) -> None:
        self._claim = section.claim
        self._roles = roles
        where = "controller.api.security.oidc.rules"
        self._rules: list[Mapped] = []
        for rule in section.rules:
            try:
                check_names(rule.roles, roles)
            except Invalid as problem:
                raise Invalid(f"{where}: {problem.message}") from problem
            self._rules.append(Mapped(rule.value, tuple(rule.roles), limit_of(f"{where}.labels", rule.labels)))

    def judge(self, claims: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, Reach]]:
        """The roles that these claims are worth, and every permission with its reach."""
        values = {ANYBODY, *self._values(claims)}
        matching = [rule for rule in self._rules if rule.value in values]
        found: dict[str, Reach] = {}
        for rule in matching:
            for name, reach in grants(rule.roles, (), self._roles, rule.limit).items():
                found[name] = found[name] | reach if name in found else reach
        return tuple(dict.fromkeys(role for rule in matching for role in rule.roles)), found

    def _values(self, claims: Mapping[str, Any]) -> Sequence[str]:
        """The texts of the claim; none when it is missing or of another shape. The issuer cannot say `*`."""
        found = claims[self._claim] if self._claim in claims else _below(claims, self._claim.split("."))
        return [text for text in _listed(found) if isinstance(text, str) and text != ANYBODY]


def _below(claims: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What stands at the end of the path; None when it ends before."""
    found: Any = claims
    for part in path:
        if not isinstance(found, dict):
            return None
        found = cast("dict[str, Any]", found).get(part)
    return found


def _listed(value: object) -> Sequence[object]:
    """A list as it is, anything else as the only member of one."""
    return cast("list[object]", value) if isinstance(value, list) else [value]
