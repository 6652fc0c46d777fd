"""Bearer tokens: JSON Web Tokens (RFC 7519), signed with HS256 and nothing else.

Whatever is wrong with a token, the caller hears the same sentence; why it was refused is nobody's business
but the log's. PyJWT checks form and signature; claims are checked here, against the time passed in.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec

from osapi.auth import permissions as known
from osapi.auth.identity import Identity, grants
from osapi.auth.keyring import KeyRing
from osapi.auth.roles import Roles, limit_of
from osapi.contract.errors import Invalid, Unauthenticated

ALGORITHM = "HS256"
ISSUER = "osapi"
AUDIENCE = "osapi"
AUDIENCES = frozenset({AUDIENCE, "https://localhost", "http://localhost"})
"""Audiences that are accepted. The localhost ones are those of the REST contract."""

MAX_LIFETIME = timedelta(hours=24)
MAX_TOKEN_BYTES = 8192
CLOCK_SKEW_S = 5.0
"""How far the clock of the machine that issued a token may be ahead of ours."""
REFUSED = "a valid bearer token is required"

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""RFC 7515, 3.1. PyJWT also lets padding pass, and then one token would have several spellings."""
_signer = jwt.PyJWS(algorithms=[ALGORITHM])


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token says. Times are seconds since the epoch; `permissions`, if any, replace those of `roles`.

    With `labels` all of it is good only for hosts that carry every one of them.
    """

    iss: str
    aud: str | tuple[str, ...]
    sub: str
    iat: float
    exp: float
    jti: str
    nbf: float | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    labels: dict[str, str] = {}


_decode_claims = msgspec.json.Decoder(Claims).decode


def issue(
    ring: KeyRing,
    subject: str,
    roles: Iterable[str],
    permissions: Iterable[str],
    lifetime: timedelta,
    now: datetime,
    *,
    max_lifetime: timedelta = MAX_LIFETIME,
    labels: Mapping[str, str] | None = None,
) -> str:
    """Make a token. Raises `Invalid` for a missing subject, unknown permissions, bad labels, or too long a life.

    Role names are not checked here (see `roles.check_names`): a role may be defined elsewhere.
    """
    held, direct = tuple(roles), tuple(permissions)
    _check_request(subject, held, direct, lifetime, max_lifetime)
    limit_of("token: labels", labels or {})
    claims = Claims(
        iss=ISSUER,
        aud=(AUDIENCE,),
        sub=subject,
        iat=int(now.timestamp()),
        exp=int((now + lifetime).timestamp()),
        jti=uuid.uuid4().hex,
        roles=held,
        permissions=direct,
        labels=dict(labels or {}),
    )
    payload = msgspec.json.encode(claims)
    return _signer.encode(payload, ring.signing_key, ALGORITHM, headers={"kid": ring.current})


def verify(token: str, ring: KeyRing, roles: Roles, revoked: Container[str], now: datetime) -> Identity:
    """The bearer of the token. Raises `Unauthenticated`, always with the same words."""
    try:
        claims = _decode_claims(_payload(token, ring, now))
        limit = limit_of("labels", claims.labels)
    except (jwt.PyJWTError, msgspec.DecodeError, UnicodeError, RecursionError, Invalid) as fault:
        raise Unauthenticated(REFUSED) from fault
    _check_claims(claims, now.timestamp())
    if claims.jti in revoked:
        raise Unauthenticated(REFUSED)
    return Identity(
        subject=claims.sub,
        roles=claims.roles,
        grants=grants(claims.roles, claims.permissions, roles, limit),
        token_id=claims.jti,
        expires=claims.exp,
        issued=claims.iat,
    )


def _check_request(
    subject: str, roles: tuple[str, ...], direct: tuple[str, ...], lifetime: timedelta, max_lifetime: timedelta
) -> None:
    if not subject:
        raise Invalid("token: subject is empty; name the person or program that will use it")
    if not roles and not direct:
        raise Invalid("token: neither role nor permission is given; name at least one")
    known.check(direct, where="token")
    if not timedelta(0) < lifetime <= max_lifetime:
        raise Invalid(f"token: lifetime {lifetime} is not allowed; more than 0 and at most {max_lifetime}")


def _payload(token: str, ring: KeyRing, now: datetime) -> bytes:
    """The signed bytes. Raises a kind of `jwt.PyJWTError` for every fault of form, key or signature."""
    check_form(token)
    kid: Any = _signer.get_unverified_header(token).get("kid")
    key = ring.find(kid, now)
    if key is None:
        raise jwt.InvalidKeyError("unknown kid")
    payload: bytes = _signer.decode_complete(token, key, [ALGORITHM])["payload"]
    return payload


def check_form(token: str) -> None:
    """Raise `jwt.DecodeError` when it is too long or not three parts of base 64."""
    if len(token) > MAX_TOKEN_BYTES or not _COMPACT.fullmatch(token):
        raise jwt.DecodeError("not a token in compact form")


def _check_claims(claims: Claims, now: float) -> None:
    audiences = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
    good = (
        claims.iss == ISSUER
        and not AUDIENCES.isdisjoint(audiences)
        and claims.sub
        and claims.jti
        and claims.iat <= now + CLOCK_SKEW_S
        and (claims.nbf is None or claims.nbf <= now + CLOCK_SKEW_S)
        and now < claims.exp
    )
    if not good:
        raise Unauthenticated(REFUSED)


def retires(token: str, ring: KeyRing) -> datetime | None:
    """When the key of a token that was verified stops to verify; None while nobody has said so."""
    kid: Any = _signer.get_unverified_header(token).get("kid")
    return ring.until.get(ring.current if kid is None else kid)
