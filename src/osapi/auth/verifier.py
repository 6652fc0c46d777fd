"""Verifies each token once and remembers who bore it: the same token comes with every request.

Remembered by digest, until it expires, and a bounded number of them. Revocation is looked up every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from datetime import UTC, datetime

from osapi.auth import tokens
from osapi.auth.identity import Identity
from osapi.auth.keyring import KeyRing
from osapi.auth.roles import Roles
from osapi.contract.errors import Unauthenticated

_REMEMBERED = 10_000


class TokenVerifier:
    """Turns tokens into identities, with one key ring, one set of roles, and a live list of revoked ids."""

    def __init__(self, ring: KeyRing, roles: Roles, revoked: Container[str], *, remembered: int = _REMEMBERED) -> None:
        self._ring = ring
        self._roles = roles
        self._revoked = revoked
        self._limit = remembered
        self._known: dict[bytes, Identity] = {}

    def remembers(self, token: str) -> bool:
        """Whether the token was found to be good before; it may have expired since."""
        return _digest(token) in self._known

    def verify(self, token: str, now: float) -> Identity:
        """The bearer of the token at the time `now` (seconds since the epoch). Raises `Unauthenticated`."""
        digest = _digest(token)
        identity = self._known.get(digest)
        if identity is None:
            identity = tokens.verify(token, self._ring, self._roles, self._revoked, datetime.fromtimestamp(now, UTC))
            self._remember(digest, identity)
        elif identity.expires <= now or identity.token_id in self._revoked:
            del self._known[digest]
            raise Unauthenticated(tokens.REFUSED)
        return identity

    def _remember(self, digest: bytes, identity: Identity) -> None:
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[digest] = identity


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
