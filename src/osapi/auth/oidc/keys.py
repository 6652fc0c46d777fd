"""The keys with which an issuer says to sign: a JSON Web Key Set (RFC 7517), as far as it can be used here.

A key is used only for algorithms of its own kind, so a token cannot choose how its signature is read (RFC 8725, 3.1).
Symmetric keys are left out, and RSA keys below 2048 bits (RFC 7518, 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_KINDS: dict[str, tuple[str, frozenset[str | None]]] = {
    **{name: ("RSA", frozenset({None})) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": ("EC", frozenset({"P-256"})),
    "ES384": ("EC", frozenset({"P-384"})),
    "ES512": ("EC", frozenset({"P-521"})),
    "EdDSA": ("OKP", frozenset({"Ed25519", "Ed448"})),
}
"""Key type and curves of each algorithm (RFC 7518, 3.1; RFC 8037, 3.1)."""
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 100


class _Jwk(msgspec.Struct):
    kty: str
    kid: str | None = None
    crv: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


@dataclass(frozen=True)
class KeySet:
    """Keys by what they are for. Two sets are equal when the issuer tells the same."""

    keys: tuple[tuple[str | None, str, Any], ...] = ()
    """Key id, algorithm, and the key as PyJWT prepares it."""
    source: bytes = field(default=b"")

    def find(self, kid: str | None, algorithm: str) -> Any | None:
        """The key of this id for this algorithm; None when there is none. Without an id: the only one that fits."""
        fitting = [key for name, own, key in self.keys if own == algorithm and kid in (None, name)]
        return fitting[0] if fitting and (kid is not None or len(fitting) == 1) else None

    def knows(self, kid: str | None) -> bool:
        """Whether there is a key of this id; without an id whether there is any."""
        return any(kid in (None, name) for name, _, _ in self.keys)


def read(document: bytes, algorithms: tuple[str, ...]) -> KeySet:
    """The keys of a set that can be used with these algorithms. Raises `ValueError` when it is no such set."""
    told = msgspec.json.decode(document, type=_Document).keys[:_MOST_KEYS]
    found = [(_kid(jwk), algorithm, _prepared(jwk, algorithm)) for jwk in told for algorithm in algorithms]
    return KeySet(tuple(one for one in found if one[2] is not None), document)


def _kid(jwk: dict[str, Any]) -> str | None:
    kid = jwk.get("kid")
    return kid if isinstance(kid, str) else None


def _prepared(raw: dict[str, Any], algorithm: str) -> Any | None:
    """The key for this algorithm; None when it is not meant for it or cannot be read."""
    try:
        jwk = msgspec.convert(raw, _Jwk)
        if not _fits(jwk, algorithm):
            return None
        key = jwt.PyJWK.from_dict(raw, algorithm=algorithm).key
    except (msgspec.ValidationError, jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        return None
    return key if hasattr(key, "verify") else None


def _fits(jwk: _Jwk, algorithm: str) -> bool:
    kind, curves = _KINDS[algorithm]
    return (
        jwk.kty == kind
        and (kind == "RSA" or jwk.crv in curves)
        and jwk.alg in (None, algorithm)
        and jwk.use in (None, "sig")
        and (jwk.key_ops is None or "verify" in jwk.key_ops)
    )
