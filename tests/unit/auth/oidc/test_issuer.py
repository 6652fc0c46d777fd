"""Tokens of another issuer: what it signed is accepted, and whatever else is tried is refused in the same words."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.auth.kit import NOW, RING, SECONDS, b64, forge
from tests.unit.auth.oidc.kit import EC, ED, ISSUER, RSA, Played, claims, jwk, jwks, ready, section, token

from osapi.auth import revocation, roles, tokens
from osapi.auth.oidc.issuer import OidcIssuer
from osapi.auth.revocation import Revocations, Revoked
from osapi.auth.verifier import TokenVerifier
from osapi.contract.errors import Invalid, Unauthenticated, Unavailable

pytestmark = pytest.mark.anyio


def verifier(issuer: OidcIssuer, revoked: Revocations | None = None) -> TokenVerifier:
    return TokenVerifier(RING, roles.BUILT_IN, revoked or Revocations(), issuer=issuer)


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "r1"), (EC, "ES256", "e1")])
async def test_what_the_issuer_signed_names_its_bearer_and_its_issuer(key: Any, algorithm: str, kid: str) -> None:
    found = verifier(await ready(Played())).verify(token(key, algorithm, kid), SECONDS)
    assert (found.subject, found.roles) == (f"{ISSUER}#anna", ("write",))
    assert found.permissions == roles.BUILT_IN["write"].permissions
    assert (found.token_id, found.issued) == (f"{ISSUER}#t1", SECONDS)


async def test_ed25519_can_be_allowed() -> None:
    played = Played(document=jwks(jwk(ED, "d1")))
    issuer = await ready(played, section(algorithms=["EdDSA"]))
    assert verifier(issuer).verify(token(ED, "EdDSA", "d1"), SECONDS).roles == ("write",)


async def test_our_own_tokens_pass_beside_those_of_the_issuer() -> None:
    assert verifier(await ready(Played())).verify(forge(), SECONDS).subject == "anna"


# -- what claims are worth ------------------------------------------------------------------------


async def test_a_rule_with_labels_reaches_those_hosts_only() -> None:
    found = verifier(await ready(Played())).verify(token(roles=["web", "ops"]), SECONDS)
    assert found.roles == ("write", "admin")
    assert found.reach("sysctl:write")({"group": "db"})
    assert not found.reach("command:execute")({"group": "db"})
    assert found.reach("command:execute")({"group": "web.dev"})


@pytest.mark.parametrize("value", [None, [], "admin", ["*"], {"ops": True}, [["ops"]], 1, "OPS"])
async def test_a_claim_that_no_rule_names_is_worth_nothing(value: Any) -> None:
    found = verifier(await ready(Played())).verify(token(roles=value), SECONDS)
    assert (found.roles, found.permissions) == ((), frozenset())


async def test_a_claim_may_lie_within_others_or_bear_dots_in_its_name() -> None:
    played = Played()
    for name, said in (
        ("realm_access.roles", {"realm_access": {"roles": ["ops"]}}),
        ("https://id.test/roles", {"https://id.test/roles": "ops"}),
    ):
        found = verifier(await ready(played, section(claim=name))).verify(token(roles=None, **said), SECONDS)
        assert found.roles == ("write",), name
        played.now += 60


async def test_a_rule_for_a_role_that_does_not_exist_is_refused_at_the_start() -> None:
    from osapi.config.controller import ClaimRule

    with pytest.raises(Invalid, match=r"oidc\.rules: unknown role emperor"):
        await ready(Played(), section(rules=[ClaimRule(value="x", roles=["emperor"])]))


# -- attacks ---------------------------------------------------------------------------------------


def pem(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


def by_hand(head: dict[str, Any], key: bytes = b"", signature: str | None = None, **changed: Any) -> str:
    """A token with an HMAC of any bytes, whatever its header says."""
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims(**changed)).encode())}"
    mac = b64(hmac.new(key, signed.encode(), "sha256").digest()) if signature is None else signature
    return f"{signed}.{mac}"


GOOD = token()
HEAD, BODY, MAC = GOOD.split(".")
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ATTACKS = {
    "alg none": by_hand({"alg": "none", "kid": "r1"}, signature=""),
    "alg None, signed": by_hand({"alg": "None", "kid": "r1"}),
    "alg missing": by_hand({"kid": "r1"}),
    "alg a list": by_hand({"alg": ["RS256"], "kid": "r1"}),
    "HS256 with the public key in PEM": by_hand({"alg": "HS256", "kid": "r1"}, pem(RSA)),
    "HS256 with the public key in PEM, stripped": by_hand({"alg": "HS256", "kid": "r1"}, pem(RSA).strip()),
    "HS256 with the public key as JWK": by_hand({"alg": "HS256", "kid": "r1"}, json.dumps(jwk(RSA, "r1")).encode()),
    "HS256 with our own key": by_hand({"alg": "HS256", "kid": "k1"}, b"1" * 32),
    "RS256 said, HMAC done": by_hand({"alg": "RS256", "kid": "r1"}, pem(RSA)),
    "ES256 with the RSA key's id": token(EC, "ES256", "r1"),
    "RS256 with the EC key's id": token(RSA, "RS256", "e1"),
    "RS512, which is not allowed": token(RSA, "RS512", "r1"),
    "PS256, which is not allowed": token(RSA, "PS256", "r1"),
    "ES384, which is not allowed": token(P384, "ES384", "e1"),
    "ES256 with zeros": by_hand({"alg": "ES256", "kid": "e1"}, signature=b64(b"\0" * 64)),
    "an RSA key of one's own": token(OTHER_RSA),
    "an EC key of one's own": token(OTHER_EC, "ES256", "e1"),
    "unknown kid": token(kid="r9"),
    "kid a path": token(kid="../../dev/null"),
    "embedded key": token(OTHER_RSA, kid=None, head={"jwk": jwk(OTHER_RSA, "r1")}),
    "embedded key with a known kid": token(OTHER_RSA, head={"jwk": jwk(OTHER_RSA, "r1")}),
    "key at an address": token(OTHER_RSA, head={"jku": "http://127.0.0.1:1/keys"}),
    "critical extension": token(head={"crit": ["exp"], "exp": 1}),
    "a logout token": token(head={"typ": "logout+jwt"}),
    "an encrypted kind": token(head={"typ": "JWE"}),
    "another body under the signature": f"{HEAD}.{b64(json.dumps(claims(sub='eve')).encode())}.{MAC}",
    "signature cut": GOOD[:-2],
    "empty signature": f"{HEAD}.{BODY}.",
    "padded": GOOD + "=",
    "no sub": token(sub=None),
    "empty sub": token(sub=""),
    "no exp": token(exp=None),
    "no iat": token(iat=None),
    "exp passed beyond the skew": token(exp=SECONDS - 31),
    "exp text": token(exp=str(SECONDS + 60)),
    "exp true": token(exp=True),
    "nbf to come": token(nbf=SECONDS + 31),
    "iat to come": token(iat=SECONDS + 31),
    "no aud": token(aud=None),
    "bad aud": token(aud="elsewhere"),
    "aud that begins alike": token(aud="osapi.example.org"),
    "empty aud": token(aud=[]),
    "empty jti": token(jti=""),
    "another issuer": token(iss="https://id.test.evil.example"),
    "the issuer with a slash": token(iss=f"{ISSUER}/"),
    "our own issuer's name, signed by the issuer": token(iss="osapi"),
    "the issuer's name, signed by our key": forge(payload=claims()),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_whatever_is_wrong_with_a_token_is_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        verifier(await ready(Played())).verify(ATTACKS[name], SECONDS)
    assert refusal.value.message == tokens.REFUSED


async def test_clocks_that_differ_a_little_are_forgiven() -> None:
    known = verifier(await ready(Played()))
    for said in (token(exp=SECONDS - 29), token(iat=SECONDS + 29, nbf=SECONDS + 29)):
        assert known.verify(said, SECONDS).roles == ("write",)


UNUSABLE = {
    "for encryption": jwk(RSA, "r1", use="enc"),
    "not for verifying": jwk(RSA, "r1", key_ops=["encrypt"]),
    "for another algorithm": jwk(RSA, "r1", alg="RS512"),
    "short": jwk(rsa.generate_private_key(public_exponent=65537, key_size=1024), "r1"),
    "symmetric": {"kty": "oct", "kid": "r1", "k": b64(b"1" * 32)},
    "on another curve": jwk(P384, "r1"),
    "damaged": {"kty": "RSA", "kid": "r1", "n": "!", "e": "AQAB"},
    "of no kind": {"kid": "r1"},
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_a_key_that_is_not_for_signatures_verifies_nothing(name: str) -> None:
    known = verifier(await ready(Played(document=jwks(UNUSABLE[name]))))
    with pytest.raises(Unauthenticated):
        known.verify(token(), SECONDS)


async def test_without_key_id_the_only_key_is_used_and_of_two_none() -> None:
    one = verifier(await ready(Played(document=jwks(jwk(RSA, None)))))
    assert one.verify(token(kid=None), SECONDS).roles == ("write",)
    two = verifier(await ready(Played(document=jwks(jwk(RSA, "a"), jwk(OTHER_RSA, "b")))))
    with pytest.raises(Unauthenticated):
        two.verify(token(kid=None), SECONDS)


# -- revocation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [{}, {"jti": None}])
async def test_a_token_of_the_issuer_can_be_revoked(changed: dict[str, Any]) -> None:
    revoked = Revocations()
    known, text = verifier(await ready(Played()), revoked), token(EC, "ES256", "e1", **changed)
    revoked.apply(revocation.key_of(known.verify(text, SECONDS).token_id), deleted=False)
    with pytest.raises(Unauthenticated):
        known.verify(text, SECONDS)
    again = token(EC, "ES256", "e1", **changed)
    assert again != text, "the same token, signed again"
    with pytest.raises(Unauthenticated):
        known.verify(again, SECONDS)


async def test_a_subject_of_ours_and_one_of_the_issuer_are_two() -> None:
    revoked = Revocations()
    value = revocation.entry(Revoked(by="root", subject="anna", before=NOW))
    revoked.apply(revocation.key_of_subject("anna"), value, deleted=False)
    known = verifier(await ready(Played()), revoked)
    assert known.verify(token(iat=SECONDS - 10), SECONDS).subject == f"{ISSUER}#anna"


# -- the issuer changes its keys, or is away ------------------------------------------------------


async def test_a_new_key_is_fetched_when_a_token_names_it_and_the_old_one_ends() -> None:
    played = Played()
    known = verifier(await ready(played))
    assert known.verify(token(), SECONDS)
    played.document, played.now = jwks(jwk(OTHER_RSA, "r2")), played.now + 60
    new = token(OTHER_RSA, kid="r2")
    await known.prepare(new)
    assert known.verify(new, SECONDS).roles == ("write",)
    with pytest.raises(Unauthenticated):
        known.verify(token(), SECONDS)


async def test_made_up_key_ids_do_not_become_requests_to_the_issuer() -> None:
    played = Played()
    known = verifier(await ready(played))
    played.now += 60
    for number in range(100):
        await known.prepare(token(kid=f"x{number}"))
    assert played.asked == 2


async def test_known_keys_go_on_while_the_issuer_is_away_and_then_it_is_said_so() -> None:
    played = Played()
    issuer = await ready(played)
    known = verifier(issuer)
    played.away = True
    played.now += 24 * 3600 - 1
    await issuer._keeper.fetch()
    assert known.verify(token(), SECONDS).roles == ("write",)
    played.now += 2
    with pytest.raises(Unavailable, match=r"keys of https://id\.test cannot be had"):
        known.verify(token(), SECONDS)
    assert known.verify(forge(), SECONDS).subject == "anna", "our own tokens are as good as ever"
    played.away, played.now = False, played.now + 10
    await known.prepare(token())
    assert known.verify(token(), SECONDS).roles == ("write",)


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"keys":1}', b'{"keys":[1]}', b"\xff"])
async def test_what_is_no_set_of_keys_changes_nothing(document: bytes) -> None:
    played = Played()
    issuer = await ready(played)
    played.document, played.now = document, played.now + 60
    await issuer._keeper.fetch()
    assert verifier(issuer).verify(token(), SECONDS).roles == ("write",)
