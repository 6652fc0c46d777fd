"""Verifies bearer tokens of another issuer. Satisfies `auth.verifier.Issuer`.

Signature and algorithm are checked against the issuer's keys, and only those; our own keys never verify such a token,
nor its keys one of ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import jwt
import msgspec

from osapi.auth import tokens
from osapi.auth.identity import Identity
from osapi.auth.oidc import claims
from osapi.auth.oidc.claims import Claims, Rules
from osapi.auth.oidc.keeper import KeyKeeper
from osapi.auth.oidc.keys import KeySet
from osapi.auth.roles import Roles
from osapi.config.controller import Oidc
from osapi.contract.errors import Unauthenticated, Unavailable

_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""RFC 9068, 2.1, and RFC 7519, 5.1. Other kinds, such as logout tokens, are signed with the same keys."""


class _Claimed(msgspec.Struct):
    iss: str = ""


class OidcIssuer:
    """One issuer. Raises `Invalid` when its rules name roles that do not exist."""

    def __init__(self, section: Oidc, roles: Roles, keeper: KeyKeeper) -> None:
        self._section = section
        self._rules = Rules(section, roles)
        self._keeper = keeper
        self._reader = jwt.PyJWS(algorithms=list(section.algorithms))

    @property
    def generation(self) -> int:
        """That of the keys; another one while they are too old to count, so that no token is remembered then."""
        return -1 if self._keeper.known is None else self._keeper.generation

    def issued(self, token: str) -> bool:
        """Whether the token claims to be of this issuer. Nothing is verified yet."""
        try:
            tokens.check_form(token)
            payload = token.split(".")[1]
            text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            return msgspec.json.decode(text, type=_Claimed).iss == self._section.issuer
        except (jwt.PyJWTError, binascii.Error, msgspec.DecodeError, UnicodeError, RecursionError):
            return False

    async def prepare(self, token: str) -> None:
        """Fetch the issuer's keys if the token needs one that is not known yet."""
        try:
            header = self._header(token)
        except (jwt.PyJWTError, UnicodeError, RecursionError):
            return
        await self._keeper.want(header.get("kid"))

    def verify(self, token: str, now: float) -> Identity:
        """The bearer. Raises `Unauthenticated`, and `Unavailable` when the issuer's keys cannot be had."""
        known = self._keeper.known
        if known is None:
            raise Unavailable(f"the keys of {self._section.issuer} cannot be had, so its tokens cannot be verified now")
        try:
            payload = self._payload(token, known)
            said, everything = claims.read(payload)
        except (jwt.PyJWTError, msgspec.DecodeError, UnicodeError, RecursionError) as fault:
            raise Unauthenticated(tokens.REFUSED) from fault
        if not claims.are_good(said, self._section, now):
            raise Unauthenticated(tokens.REFUSED)
        names, grants = self._rules.judge(everything)
        return Identity(
            subject=f"{said.iss}#{said.sub}",
            roles=names,
            grants=grants,
            token_id=_id(said, token),
            expires=said.exp + self._section.clock_skew.total_seconds(),
            issued=said.iat,
        )

    def _payload(self, token: str, known: KeySet) -> bytes:
        """The signed bytes. Raises a kind of `jwt.PyJWTError` for every fault of form, key or signature."""
        header = self._header(token)
        algorithm = header["alg"]
        key = known.find(header.get("kid"), algorithm)
        if key is None:
            raise jwt.InvalidKeyError("no such key for this algorithm")
        payload: bytes = self._reader.decode_complete(token, key, [algorithm])["payload"]
        return payload

    def _header(self, token: str) -> dict[str, Any]:
        """The header, when all of it is allowed. Raises a kind of `jwt.PyJWTError`."""
        tokens.check_form(token)
        header = self._reader.get_unverified_header(token)
        if header.get("alg") not in self._section.algorithms:
            raise jwt.InvalidAlgorithmError("not an allowed algorithm")
        if "crit" in header or str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise jwt.DecodeError("a kind of token that is not understood")
        return header


def _id(said: Claims, token: str) -> str:
    """What tells this token from others of all issuers; by what is signed when it has no id of its own."""
    if said.jti is not None:
        return f"{said.iss}#{said.jti}"
    return f"sha256-{hashlib.sha256(token.rpartition('.')[0].encode()).hexdigest()}"
