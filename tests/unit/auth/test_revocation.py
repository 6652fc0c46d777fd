"""The list of revoked tokens."""

from __future__ import annotations

import pytest
from tests.unit.auth.kit import HOUR, NOW, SECONDS

from osapi.auth import revocation
from osapi.auth.identity import Identity
from osapi.auth.revocation import Revocations, Revoked


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


def bearer(issued: float, subject: str = "anna", token_id: str = "t") -> Identity:
    return Identity(subject, token_id=token_id, issued=issued)


def test_a_subject_loses_the_tokens_issued_before_a_time_and_no_others() -> None:
    revoked = Revocations()
    value = revocation.entry(Revoked(by="root", subject="anna", before=NOW))
    revoked.apply(revocation.key_of_subject("anna"), value, deleted=False)
    assert revoked.covers(bearer(SECONDS - 1))
    assert not revoked.covers(bearer(SECONDS))
    assert not revoked.covers(bearer(SECONDS - 1, subject="bert"))


def test_an_entry_for_a_subject_that_cannot_be_read_refuses_all_of_its_tokens() -> None:
    revoked = Revocations()
    revoked.apply(revocation.key_of_subject("anna"), b"{", deleted=False)
    assert revoked.covers(bearer(SECONDS + 10**6))


def test_what_has_expired_is_not_listed_and_can_be_forgotten() -> None:
    revoked = Revocations()
    for name, end in (("a", NOW - HOUR), ("b", NOW + HOUR), ("c", None)):
        value = revocation.entry(Revoked(by="root", token_id=name, expires=end))
        revoked.apply(revocation.key_of(name), value, deleted=False)
    assert [one.token_id for one in revoked.active(NOW)] == ["b", "c"]
    assert revoked.outdated(NOW) == [revocation.key_of("a")]


def test_no_token_id_is_taken_for_a_subject() -> None:
    assert not revocation.key_of("subject.x").startswith("revoked.subject.")
