"""The key ring of a program that runs follows its file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.auth.kit import HOUR, NOW, SECONDS

from osapi.auth import keyring, roles, tokens
from osapi.auth.live import LOOK_S, LiveRing
from osapi.auth.revocation import Revocations
from osapi.auth.verifier import TokenVerifier
from osapi.contract.errors import Unauthenticated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "keys" / "tokens.json"
    keyring.load_or_create(found)
    return found


def token(path: Path) -> str:
    return tokens.issue(keyring.load(path), "anna", ["read"], [], timedelta(hours=24), NOW)


def test_old_and_new_tokens_pass_through_a_rotation_and_the_old_one_ends_with_its_key(path: Path) -> None:
    verifier = TokenVerifier(LiveRing(path), roles.BUILT_IN, Revocations())
    old = token(path)
    assert verifier.verify(old, SECONDS).subject == "anna"
    keyring.rotate(path, NOW, HOUR)
    new = token(path)
    assert verifier.verify(new, SECONDS + LOOK_S).subject == "anna"
    assert verifier.verify(old, SECONDS + 3599).subject == "anna"
    for moment in (SECONDS + 3600, SECONDS + 3601):
        with pytest.raises(Unauthenticated, match=tokens.REFUSED):
            verifier.verify(old, moment)
    assert verifier.verify(new, SECONDS + 3601).subject == "anna"


def test_a_rotation_without_grace_ends_tokens_that_were_seen_before(path: Path) -> None:
    verifier = TokenVerifier(LiveRing(path), roles.BUILT_IN, Revocations())
    old = token(path)
    verifier.verify(old, SECONDS)
    keyring.rotate(path, NOW, timedelta(0))
    with pytest.raises(Unauthenticated):
        verifier.verify(old, SECONDS + LOOK_S)


def test_a_key_that_was_taken_out_verifies_nothing_any_more(path: Path) -> None:
    stolen = token(path)
    keyring.rotate(path, NOW, timedelta(0))
    with pytest.raises(Unauthenticated):
        TokenVerifier(LiveRing(path), roles.BUILT_IN, Revocations()).verify(stolen, SECONDS)


@pytest.mark.parametrize("damage", ["empty", "missing", "open"])
def test_a_ring_that_is_damaged_leaves_the_one_that_is_known(path: Path, damage: str) -> None:
    ring = LiveRing(path)
    known = ring.ring
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_text("")
    else:
        path.chmod(0o644)
        path.write_text(path.read_text() + " ")
    ring.look(SECONDS)
    assert (ring.ring, ring.generation) == (known, 0)


def test_the_file_is_not_looked_at_for_every_request(path: Path) -> None:
    ring = LiveRing(path)
    ring.look(SECONDS)
    keyring.rotate(path, NOW, HOUR)
    ring.look(SECONDS + LOOK_S / 2)
    assert ring.generation == 0
    ring.look(SECONDS + LOOK_S)
    assert ring.generation == 1
