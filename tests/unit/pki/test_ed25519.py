"""Our keys against another implementation of the same standards."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from osapi.pki import ed25519
from osapi.pki.ed25519 import BadSignature, PrivateKey

seeds = st.binary(min_size=32, max_size=32)


@given(seeds, st.binary())
def test_signatures_are_those_of_openssl_and_are_accepted_by_it(seed: bytes, data: bytes) -> None:
    ours, theirs = PrivateKey(seed), Ed25519PrivateKey.from_private_bytes(seed)
    assert ours.sign(data) == theirs.sign(data)
    ours.public_key.verify(theirs.sign(data), data)


@given(seeds)
def test_pem_files_are_read_and_written_like_openssl_does(seed: bytes) -> None:
    ours, theirs = PrivateKey(seed), Ed25519PrivateKey.from_private_bytes(seed)
    private = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = theirs.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert ours.to_pem() == private
    assert ours.public_key.to_pem() == public
    assert ed25519.private_from_pem(private).seed == seed
    assert ed25519.public_from_pem(public).raw == ours.public_key.raw
    loaded = load_pem_private_key(ours.to_pem(), password=None)
    assert isinstance(loaded, Ed25519PrivateKey)
    assert isinstance(load_pem_public_key(ours.public_key.to_pem()), Ed25519PublicKey)


@given(seeds, st.binary(max_size=50), st.binary(max_size=80))
def test_no_other_signature_is_accepted(seed: bytes, data: bytes, signature: bytes) -> None:
    key = PrivateKey(seed)
    if signature != key.sign(data):
        with pytest.raises(BadSignature):
            key.public_key.verify(signature, data)


@given(st.binary(max_size=300))
def test_what_is_no_key_is_refused(text: bytes) -> None:
    for read in (ed25519.private_from_pem, ed25519.public_from_pem):
        with pytest.raises(ValueError, match=r".+"):
            read(text)
