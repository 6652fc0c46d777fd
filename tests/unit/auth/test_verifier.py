"""Tokens are verified once, and refused the moment they must be."""

from __future__ import annotations

import pytest
from tests.unit.auth.kit import HOUR, NOW, RING, SECONDS, claims, forge

from osapi.auth import revocation, roles, tokens
from osapi.auth.revocation import Revocations
from osapi.auth.verifier import TokenVerifier
from osapi.contract.errors import Unauthenticated


def make(revoked: Revocations | None = None, remembered: int = 100) -> TokenVerifier:
    return TokenVerifier(RING, roles.BUILT_IN, revoked or Revocations(), remembered=remembered)


def test_the_same_token_gives_the_same_identity() -> None:
    verifier, token = make(), forge()
    assert verifier.verify(token, SECONDS) is verifier.verify(token, SECONDS)


def test_a_remembered_token_is_refused_once_it_has_expired() -> None:
    verifier, token = make(), forge()
    verifier.verify(token, SECONDS + 3599.9)
    for moment in (SECONDS + 3600, SECONDS + 3601):
        with pytest.raises(Unauthenticated, match=tokens.REFUSED):
            verifier.verify(token, moment)


def test_a_remembered_token_is_refused_once_it_is_revoked() -> None:
    revoked = Revocations()
    verifier, token = make(revoked), forge()
    verifier.verify(token, SECONDS)
    revoked.apply(revocation.key_of("t1"), deleted=False)
    with pytest.raises(Unauthenticated, match=tokens.REFUSED):
        verifier.verify(token, SECONDS)
    revoked.apply(revocation.key_of("t1"), deleted=True)
    assert verifier.verify(token, SECONDS).subject == "anna"


def test_only_so_many_tokens_are_remembered() -> None:
    verifier = make(remembered=10)
    for number in range(100):
        verifier.verify(forge(payload=claims(jti=f"t{number}")), SECONDS)
    assert len(verifier._known) == 10


def test_what_is_refused_is_not_remembered() -> None:
    verifier = make()
    for number in range(20):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"x{number}", SECONDS)
    assert verifier._known == {}


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(Unauthenticated, match=tokens.REFUSED):
        make().verify("\ud800", SECONDS)


def test_an_issued_token_passes() -> None:
    assert make().verify(tokens.issue(RING, "anna", ["read"], [], HOUR, NOW), SECONDS).may("node:read")
