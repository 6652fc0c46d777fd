"""Chains of controller keys: who trusts one key trusts all, and nobody else's links count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from osapi.contract.errors import Forbidden, Invalid
from osapi.pki import rotations
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import fingerprint
from osapi.pki.rotations import Chain, Link, Statement
from osapi.pki.signing import digest_key

NOW = datetime(2026, 11, 1, tzinfo=UTC)
KEYS = [PrivateKey(bytes([number]) * 32) for number in range(1, 5)]
STRANGER = PrivateKey(b"\x99" * 32)
IDS = [fingerprint(key.public_key) for key in KEYS]


def chain_of(*keys: PrivateKey, grace_s: tuple[float, ...] = (3600, 3600, 3600)) -> Chain:
    """The keys after one another, an hour apart."""
    chain: Chain = ()
    for number, (former, key) in enumerate(pairwise(keys)):
        at = NOW + timedelta(hours=number)
        chain = rotations.extended(chain, former, key, at, at + timedelta(seconds=grace_s[number]))
    return chain


@pytest.mark.parametrize("trusted", range(4))
def test_who_trusts_any_key_of_a_chain_knows_all(trusted: int) -> None:
    known = rotations.follow(chain_of(*KEYS), KEYS[trusted].public_key)
    assert (list(known.keys), known.current) == (IDS, IDS[3])
    assert known.until == {key: NOW + timedelta(hours=number + 1) for number, key in enumerate(IDS[:3])}


def test_without_a_rotation_there_is_one_key_which_does_not_end() -> None:
    known = rotations.follow((), KEYS[0].public_key)
    assert (list(known.keys), known.until, known.current) == ([IDS[0]], {}, IDS[0])


def test_no_key_outlives_one_that_came_after_it() -> None:
    until = rotations.follow(chain_of(*KEYS[:3], grace_s=(86400, 0)), KEYS[0].public_key).until
    assert until == dict.fromkeys(IDS[:2], NOW + timedelta(hours=1))


def test_it_is_the_same_after_it_was_stored() -> None:
    chain = chain_of(*KEYS)
    assert rotations.decode(rotations.encode(chain)) == chain
    assert rotations.decode(rotations.encode(())) == ()


def forged() -> dict[str, Chain]:
    first, second, third = chain_of(*KEYS)
    other = msgspec.json.decode(first.statement, type=Statement)
    later = msgspec.json.encode(msgspec.structs.replace(other, until=NOW + timedelta(days=999)))
    (foreign,) = chain_of(STRANGER, KEYS[0])
    (taken,) = chain_of(KEYS[0], STRANGER)
    return {
        "altered": (msgspec.structs.replace(first, statement=later), second, third),
        "without the word of the former key": (msgspec.structs.replace(taken, by_former=taken.by_key),),
        "without the word of the new key": (msgspec.structs.replace(taken, by_key=taken.by_former),),
        "signatures exchanged": (Link(statement=first.statement, by_former=first.by_key, by_key=first.by_former),),
        "a link missing": (first, third),
        "in another order": (second, first),
        "of strangers": chain_of(STRANGER, PrivateKey(b"\x98" * 32)),
        "in a circle": (*chain_of(KEYS[0], KEYS[1]), *chain_of(KEYS[1], KEYS[0])),
        "to itself": chain_of(KEYS[0], KEYS[0]),
        "noise": (msgspec.structs.replace(first, statement=b"\xff{"),),
        "begun by a stranger with his own link altered": (
            msgspec.structs.replace(foreign, by_key=foreign.by_former),
            first,
        ),
    }


@pytest.mark.parametrize("name", forged())
def test_what_is_forged_is_refused(name: str) -> None:
    with pytest.raises(Forbidden):
        rotations.follow(forged()[name], KEYS[0].public_key)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000, b'[{"statement":"x"}]'])
def test_what_is_no_chain_is_refused(data: bytes) -> None:
    with pytest.raises(Forbidden):
        rotations.decode(data)


def test_a_chain_has_a_greatest_length() -> None:
    (link,) = chain_of(*KEYS[:2])
    with pytest.raises(Invalid, match="1000 times"):
        rotations.extended((link,) * rotations.MOST, KEYS[0], KEYS[1], NOW, NOW)
    with pytest.raises(Forbidden, match="1001 links"):
        rotations.decode(rotations.encode((link,) * (rotations.MOST + 1)))
    assert len(rotations.encode((link,) * rotations.MOST)) < 1024 * 1024


def test_a_chain_continues_another_only_where_that_one_ends() -> None:
    whole = chain_of(*KEYS)
    assert rotations.continues(whole, whole[:1])
    assert rotations.continues(whole, ())
    assert not rotations.continues(whole, whole)
    assert not rotations.continues(whole[:1], whole)
    assert not rotations.continues(chain_of(KEYS[0], STRANGER, KEYS[2]), whole[:1])


def test_the_holder_of_a_key_reads_the_digest_keys_before_it_and_nobody_else() -> None:
    chain = chain_of(*KEYS)
    assert rotations.carried(chain, KEYS[3]) == tuple(digest_key(key) for key in (KEYS[2], KEYS[1], KEYS[0]))
    assert rotations.carried(chain, KEYS[1]) == (digest_key(KEYS[0]),)
    assert rotations.carried(chain, KEYS[0]) == rotations.carried((), KEYS[0]) == ()
    assert rotations.carried(chain, STRANGER) == ()
    assert not [key for key in KEYS if digest_key(key) in rotations.encode(chain)]
