"""The list of revoked tokens."""

from __future__ import annotations

import pytest

from osapi.auth import revocation
from osapi.auth.revocation import Revocations


def test_an_entry_revokes_its_token_and_no_other() -> None:
    revoked = Revocations()
    revoked.apply(revocation.key_of("a"), deleted=False)
    assert "a" in revoked
    assert "b" not in revoked


def test_a_deleted_entry_allows_the_token_again() -> None:
    revoked = Revocations()
    revoked.apply(revocation.key_of("a"), deleted=False)
    revoked.apply(revocation.key_of("a"), deleted=True)
    revoked.apply(revocation.key_of("never"), deleted=True)
    assert "a" not in revoked


@pytest.mark.parametrize("token_id", ["a b", "*", ">", "a.b", "ü", "x" * 200, "sha256-"])
def test_every_id_has_a_key_that_a_bucket_accepts(token_id: str) -> None:
    revoked = Revocations()
    key = revocation.key_of(token_id)
    assert key.startswith("revoked.")
    assert set(key.removeprefix("revoked.")) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    revoked.apply(key, deleted=False)
    assert token_id in revoked


def test_nothing_but_text_is_a_token_id() -> None:
    revoked = Revocations()
    revoked.apply(revocation.key_of("1"), deleted=False)
    assert 1 not in revoked
