"""Verifies each token once and remembers who bore it: the same token comes with every request.

Remembered by digest, until it expires or the keys change, and a bounded number of them. Revocation is looked up every
time. A token of another issuer is verified by that issuer's keys alone, one of ours by our key ring alone.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from osapi.auth import tokens
from osapi.auth.identity import Identity
from osapi.auth.keyring import KeyRing
from osapi.auth.live import FixedRing
from osapi.auth.revocation import Revocations
from osapi.auth.roles import Roles
from osapi.contract.errors import Unauthenticated

_REMEMBERED = 10_000


class Ring(Protocol):
    """A key ring that may change, as `live.LiveRing`."""

    @property
    def ring(self) -> KeyRing: ...

    @property
    def generation(self) -> int: ...

    def look(self, now: float) -> None: ...


class Issuer(Protocol):
    """Another issuer whose tokens count, as `oidc.issuer.OidcIssuer`."""

    @property
    def generation(self) -> int:
        """Grows when the keys of the issuer change."""
        ...

    def issued(self, token: str) -> bool:
        """Whether the token claims to be of this issuer. Nothing is verified yet."""
        ...

    async def prepare(self, token: str) -> None:
        """Fetch the issuer's keys if this token needs one that is not known yet."""
        ...

    def verify(self, token: str, now: float) -> Identity:
        """The bearer. Raises `Unauthenticated`, and `Unavailable` when there are no keys to verify with."""
        ...


class _Known(NamedTuple):
    identity: Identity
    good_until: float
    generations: tuple[int, int]


class TokenVerifier:
    """Turns tokens into identities, with a key ring, one set of roles, and a live list of what is revoked."""

    def __init__(
        self,
        ring: KeyRing | Ring,
        roles: Roles,
        revoked: Revocations,
        *,
        issuer: Issuer | None = None,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._ring: Ring = FixedRing(ring) if isinstance(ring, KeyRing) else ring
        self._roles = roles
        self._revoked = revoked
        self._issuer = issuer
        self._limit = remembered
        self._known: dict[bytes, _Known] = {}

    def remembers(self, token: str) -> bool:
        """Whether the token was found to be good before; it may have expired since."""
        return _digest(token) in self._known

    async def prepare(self, token: str) -> None:
        """See to it that `verify` has the keys it needs, as far as they can be had. Waits for another issuer only."""
        if self._issuer is not None and not self.remembers(token) and self._issuer.issued(token):
            await self._issuer.prepare(token)

    def verify(self, token: str, now: float) -> Identity:
        """The bearer of the token at the time `now` (seconds since the epoch).

        Raises `Unauthenticated`; `Unavailable` for a token of another issuer whose keys cannot be had.
        """
        self._ring.look(now)
        digest = _digest(token)
        known = self._known.get(digest)
        if known is None or known.generations != self._generations:
            known = self._remember(digest, token, now)
        if known.good_until <= now or self._revoked.covers(known.identity):
            del self._known[digest]
            raise Unauthenticated(tokens.REFUSED)
        return known.identity

    @property
    def _generations(self) -> tuple[int, int]:
        return self._ring.generation, 0 if self._issuer is None else self._issuer.generation

    def _remember(self, digest: bytes, token: str, now: float) -> _Known:
        self._known.pop(digest, None)
        identity, until = self._verified(token, now)
        known = _Known(identity, until, self._generations)
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[digest] = known
        return known

    def _verified(self, token: str, now: float) -> tuple[Identity, float]:
        """The bearer, and when to look at the token again: at its end, or when its key retires."""
        if self._issuer is not None and self._issuer.issued(token):
            identity = self._issuer.verify(token, now)
            return identity, identity.expires
        moment, ring = datetime.fromtimestamp(now, UTC), self._ring.ring
        identity = tokens.verify(token, ring, self._roles, self._revoked, moment)
        retires = tokens.retires(token, ring)
        return identity, identity.expires if retires is None else min(identity.expires, retires.timestamp())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
