"""An issuer with real keys, played without HTTP; the real one is a process (see tests/integration/controller)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.unit.auth.kit import SECONDS

from osapi.auth import roles
from osapi.auth.oidc.discovery import DiscoveryFailed
from osapi.auth.oidc.issuer import OidcIssuer
from osapi.auth.oidc.keeper import KeyKeeper
from osapi.config.controller import ClaimRule, Oidc

ISSUER = "https://id.test"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECTION = Oidc(
    issuer=ISSUER,
    audience="osapi",
    rules=[
        ClaimRule(value="ops", roles=["write"]),
        ClaimRule(value="web", roles=["admin"], labels={"group": "web"}),
    ],
)


def jwk(key: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public half as the issuer tells it."""
    kinds = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm}
    kind: Any = next((alg for base, alg in kinds.items() if isinstance(key, base)), jwt.algorithms.OKPAlgorithm)
    found: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    found |= {"kid": kid, **more}
    return {name: value for name, value in found.items() if value is not None}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


BOTH = jwks(jwk(RSA, "r1"), jwk(EC, "e1"))


def claims(**changed: Any) -> dict[str, Any]:
    """Claims of a good token; a change to None leaves the claim out."""
    good: dict[str, Any] = {
        "iss": ISSUER,
        "aud": "osapi",
        "sub": "anna",
        "iat": SECONDS,
        "exp": SECONDS + 3600,
        "jti": "t1",
        "roles": ["ops"],
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r1", head: Any = None, **changed: Any) -> str:
    """A token, signed with the key."""
    headers = {name: value for name, value in {"kid": kid, **(head or {})}.items() if value is not None}
    payload = json.dumps(claims(**changed)).encode()
    return jwt.PyJWS().encode(payload, key, algorithm, headers=headers)


@dataclass
class Played:
    """An issuer that is there or away, and a clock."""

    document: bytes = BOTH
    away: bool = False
    now: float = 1000.0
    asked: int = 0

    async def key_set(self) -> bytes:
        self.asked += 1
        if self.away:
            raise DiscoveryFailed("it does not answer")
        return self.document

    def keeper(self, section: Oidc = SECTION) -> KeyKeeper:
        return KeyKeeper(section, self, lambda: self.now)


async def ready(played: Played, section: Oidc = SECTION) -> OidcIssuer:
    """The issuer with its keys fetched."""
    keeper = played.keeper(section)
    await keeper.fetch()
    return OidcIssuer(section, roles.BUILT_IN, keeper)


def section(**changed: Any) -> Oidc:
    fields = {name: getattr(SECTION, name) for name in SECTION.__struct_fields__}
    return Oidc(**(fields | changed))
