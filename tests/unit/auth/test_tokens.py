"""Tokens: what is issued is accepted, and whatever else is tried is refused in the same words."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.auth.kit import HOUR, NOW, RING, SECONDS, b64, claims, forge

from osapi.auth import roles, tokens
from osapi.auth.identity import Identity
from osapi.auth.keyring import KeyRing
from osapi.contract.errors import Invalid, Unauthenticated


def verify(token: str, revoked: frozenset[str] = frozenset()) -> Identity:
    return tokens.verify(token, RING, roles.BUILT_IN, revoked, NOW)


def test_an_issued_token_names_its_bearer() -> None:
    token = tokens.issue(RING, "anna", ["read"], [], HOUR, NOW)
    identity = verify(token)
    assert (identity.subject, identity.roles) == ("anna", ("read",))
    assert identity.permissions == roles.BUILT_IN["read"].permissions
    assert identity.expires == SECONDS + 3600
    assert identity.token_id


def test_two_tokens_never_share_an_id() -> None:
    ids = {verify(tokens.issue(RING, "anna", ["read"], [], HOUR, NOW)).token_id for _ in range(50)}
    assert len(ids) == 50


def test_the_kit_forges_tokens_that_are_good_when_nothing_is_changed() -> None:
    """Otherwise the attacks below would prove nothing."""
    assert verify(forge()).subject == "anna"


def test_permissions_of_the_token_replace_those_of_its_roles() -> None:
    identity = verify(forge(payload=claims(roles=["admin"], permissions=["sysctl:read"])))
    assert identity.permissions == {"sysctl:read"}


def test_an_unknown_role_contributes_nothing() -> None:
    assert verify(forge(payload=claims(roles=["emperor"]))).permissions == frozenset()
    assert not verify(forge(payload=claims(roles=["emperor"]))).may("node:read")


@pytest.mark.parametrize("audience", ["osapi", ["osapi"], ["https://localhost", "http://localhost"], ["x", "osapi"]])
def test_the_audiences_of_the_contract_are_accepted(audience: Any) -> None:
    assert verify(forge(payload=claims(aud=audience))).subject == "anna"


def test_a_token_of_a_former_key_is_good_until_the_key_is_gone() -> None:
    token = forge({"alg": "HS256", "kid": "k0"}, key=b"0" * 32)
    assert verify(token).subject == "anna"
    with pytest.raises(Unauthenticated):
        tokens.verify(token, KeyRing("k1", {"k1": b"1" * 32}), roles.BUILT_IN, (), NOW)


def test_a_token_without_key_id_is_checked_with_the_current_key() -> None:
    assert verify(forge({"alg": "HS256"})).subject == "anna"
    with pytest.raises(Unauthenticated):
        verify(forge({"alg": "HS256"}, key=b"0" * 32))


def test_a_clock_that_is_a_few_seconds_ahead_is_forgiven() -> None:
    assert verify(forge(payload=claims(iat=SECONDS + 4, nbf=SECONDS + 4))).subject == "anna"


def _public_pem() -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


GOOD = forge()
HEAD, BODY, MAC = GOOD.split(".")
ATTACKS = {
    "empty": "",
    "one dot": ".",
    "two dots": "..",
    "five parts": "a.b.c.d.e",
    "words": "not a token",
    "null byte": "\0",
    "unicode": "ü.ü.ü",
    "no signature": f"{HEAD}.{BODY}",
    "empty signature": f"{HEAD}.{BODY}.",
    "signature cut": GOOD[:-2],
    "signature with more": GOOD + "AA",
    "signature padded": GOOD + "=",
    "another body under the signature": f"{HEAD}.{b64(json.dumps(claims(sub='eve')).encode())}.{MAC}",
    "another head under the signature": f"{b64(json.dumps({'alg': 'HS256'}).encode())}.{BODY}.{MAC}",
    "alg none": forge({"alg": "none"}, signature=""),
    "alg None": forge({"alg": "None"}, signature=""),
    "alg none, signed all the same": forge({"alg": "none", "kid": "k1"}),
    "alg empty": forge({"alg": ""}),
    "alg missing": forge({"typ": "JWT"}),
    "alg null": forge({"alg": None}),
    "alg a list": forge({"alg": ["HS256"]}),
    "HS384": forge({"alg": "HS384", "kid": "k1"}, digest="sha384"),
    "HS512": forge({"alg": "HS512", "kid": "k1"}, digest="sha512"),
    "HS256 said, HS512 done": forge(digest="sha512"),
    "lower case hs256": forge({"alg": "hs256", "kid": "k1"}),
    "RS256 over the shared key": forge({"alg": "RS256", "kid": "k1"}),
    "RS256, a public key as secret": forge({"alg": "RS256"}, key=_public_pem()),
    "HS256, a public key as secret": forge({"alg": "HS256"}, key=_public_pem()),
    "ES256": forge({"alg": "ES256", "kid": "k1"}),
    "a key of one's own": forge(key=b"2" * 32),
    "an empty key": forge(key=b""),
    "unknown kid": forge({"alg": "HS256", "kid": "k9"}),
    "kid of another key": forge({"alg": "HS256", "kid": "k0"}),
    "kid a path": forge({"alg": "HS256", "kid": "../../../../dev/null"}, key=b""),
    "kid a statement": forge({"alg": "HS256", "kid": "x' UNION SELECT 'k"}, key=b"k"),
    "kid a number": forge({"alg": "HS256", "kid": 1}),
    "kid a list": forge({"alg": "HS256", "kid": ["k1"]}),
    "embedded key": forge({"alg": "HS256", "jwk": {"kty": "oct", "k": b64(b"2" * 32)}}, key=b"2" * 32),
    "key at an address": forge({"alg": "HS256", "jku": "http://127.0.0.1:1/keys", "kid": "x"}, key=b"2" * 32),
    "critical extension": forge({"alg": "HS256", "kid": "k1", "crit": ["exp"], "exp": 1}),
    "unencoded payload": forge({"alg": "HS256", "kid": "k1", "b64": False, "crit": ["b64"]}),
    "head no object": forge([], key=b"1" * 32),  # type: ignore[arg-type]
    "body no object": forge(payload=[]),
    "body no JSON": forge(payload=b"{"),
    "body no UTF-8": forge(payload=b'{"sub":"\xff"}'),
    "body deep": forge(payload=b"[" * 3000),
    "no exp": forge(payload=claims(exp=None)),
    "exp passed": forge(payload=claims(exp=SECONDS - 1)),
    "exp now": forge(payload=claims(exp=SECONDS)),
    "exp text": forge(payload=claims(exp=str(SECONDS + 3600))),
    "exp true": forge(payload=claims(exp=True)),
    "exp null": forge(payload=claims() | {"exp": None}),
    "exp beyond numbers": forge(payload=json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()),
    "exp not a number": forge(payload=json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": NaN').encode()),
    "nbf to come": forge(payload=claims(nbf=SECONDS + 60)),
    "iat to come": forge(payload=claims(iat=SECONDS + 60)),
    "no iat": forge(payload=claims(iat=None)),
    "no iss": forge(payload=claims(iss=None)),
    "bad iss": forge(payload=claims(iss="osapi.example.org")),
    "iss a list": forge(payload=claims(iss=["osapi"])),
    "no aud": forge(payload=claims(aud=None)),
    "bad aud": forge(payload=claims(aud=["elsewhere"])),
    "empty aud": forge(payload=claims(aud=[])),
    "no sub": forge(payload=claims(sub=None)),
    "empty sub": forge(payload=claims(sub="")),
    "no jti": forge(payload=claims(jti=None)),
    "empty jti": forge(payload=claims(jti="")),
    "roles text": forge(payload=claims(roles="admin")),
    "too long": forge(payload=claims(sub="x" * 9000)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_whatever_is_wrong_with_a_token_is_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        verify(ATTACKS[name])
    assert refusal.value.message == tokens.REFUSED
    assert (refusal.value.error_code, refusal.value.details) == ("unauthenticated", None)


def test_a_revoked_token_is_refused_in_the_same_words() -> None:
    with pytest.raises(Unauthenticated, match=tokens.REFUSED):
        verify(GOOD, revoked=frozenset({"t1"}))


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated, match=tokens.REFUSED):
        verify(text)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_no_character_of_a_token_can_be_changed(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    if changed != GOOD:
        with pytest.raises(Unauthenticated, match=tokens.REFUSED):
            verify(changed)


@pytest.mark.parametrize(
    ("subject", "held", "direct", "lifetime", "word"),
    [
        ("", ["read"], [], HOUR, "subject"),
        ("anna", [], [], HOUR, "neither"),
        ("anna", [], ["sysctl:reed"], HOUR, "sysctl:reed"),
        ("anna", ["read"], [], timedelta(0), "lifetime"),
        ("anna", ["read"], [], timedelta(hours=24, seconds=1), "at most 1 day"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_issued(
    subject: str, held: list[str], direct: list[str], lifetime: timedelta, word: str
) -> None:
    with pytest.raises(Invalid, match=word):
        tokens.issue(RING, subject, held, direct, lifetime, NOW)


def test_a_longer_life_can_be_allowed() -> None:
    token = tokens.issue(RING, "robot", ["read"], [], timedelta(days=90), NOW, max_lifetime=timedelta(days=90))
    assert verify(token).expires == SECONDS + 90 * 86400


def test_labels_limit_all_that_a_token_may() -> None:
    token = tokens.issue(RING, "anna", ["admin"], [], HOUR, NOW, labels={"group": "web"})
    reach = verify(token).reach("command:execute")
    assert reach({"group": "web.dev"})
    assert not reach({"group": "db"})
    assert not reach({})


def test_labels_narrow_a_role_that_is_limited_already() -> None:
    limited = roles.Role("ops", frozenset({"node:read"}), roles.limit_of("x", {"site": "here"}))
    token = tokens.issue(RING, "anna", ["ops"], [], HOUR, NOW, labels={"group": "web"})
    reach = tokens.verify(token, RING, {"ops": limited}, (), NOW).reach("node:read")
    assert reach({"group": "web", "site": "here"})
    assert not reach({"group": "web"})
    assert not reach({"site": "here"})


def test_labels_that_are_none_are_neither_issued_nor_taken() -> None:
    with pytest.raises(Invalid, match="token: labels"):
        tokens.issue(RING, "anna", ["read"], [], HOUR, NOW, labels={"a b": "c"})
    for labels in ({"a b": "c"}, ["group:web"], {"group": 1}, "group:web"):
        with pytest.raises(Unauthenticated, match=tokens.REFUSED):
            verify(forge(payload=claims(labels=labels)))
