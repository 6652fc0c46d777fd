"""Who calls: from the header `Authorization: Bearer …` to an identity."""

from __future__ import annotations

from collections.abc import Callable

from osapi.auth.identity import Identity
from osapi.auth.tokens import REFUSED
from osapi.auth.verifier import TokenVerifier
from osapi.contract.errors import Forbidden, Unauthenticated


class Authenticator:
    """Verifies bearer tokens (RFC 6750, 2.1). `clock` tells seconds since the epoch."""

    def __init__(self, verifier: TokenVerifier, clock: Callable[[], float]) -> None:
        self._verifier = verifier
        self._clock = clock

    def remembers(self, authorization: bytes | None) -> bool:
        """Whether a token was found to be good before, so that it is no guess."""
        token = _token(authorization)
        return token is not None and self._verifier.remembers(token)

    async def identify(self, authorization: bytes | None) -> Identity:
        """The bearer. Raises `Unauthenticated` with the same words for whatever is missing or wrong.

        Raises `Unavailable` when the keys of another issuer are needed and cannot be had.
        """
        token = _token(authorization)
        if token is None:
            raise Unauthenticated(REFUSED)
        await self._verifier.prepare(token)
        return self._verifier.verify(token, self._clock())


def _token(authorization: bytes | None) -> str | None:
    """The token in the header; None when there is none."""
    if authorization is None:
        return None
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def authorise(caller: Identity, permission: str) -> None:
    """Raise `Forbidden` unless the caller holds the permission. What else he holds is not told."""
    if not caller.may(permission):
        raise Forbidden(f"this needs the permission {permission}; ask for a role that carries it")
