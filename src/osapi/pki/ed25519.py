"""Ed25519 keys (RFC 8032) on libsodium, and their PEM form (RFC 8410).

Not on `cryptography`: its OpenSSL takes 11 MB in every agent and twice the time to verify, see the record
"Signatures on libsodium" in `docs/adr`. An Ed25519 key in PEM is a fixed prefix and 32 bytes, so reading it
needs no ASN.1 (`pem`).
"""

from __future__ import annotations

import os

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

from osapi.pki import pem

_SIGNATURE = 64
_PRIVATE_PREFIX = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC_PREFIX = bytes.fromhex("302a300506032b6570032100")


class BadSignature(Exception):
    """The signature does not fit key and data."""


class PublicKey:
    """Verifies signatures. `raw` is the key's 32 bytes."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return when the signature is good. Raises `BadSignature`."""
        if len(signature) != _SIGNATURE:
            raise BadSignature
        try:
            crypto_sign_open(signature + data, self.raw)
        except CryptoError as problem:
            raise BadSignature from problem

    def to_pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo)."""
        return pem.armour("PUBLIC KEY", _PUBLIC_PREFIX + self.raw)


class PrivateKey:
    """Signs. `seed` is the secret, 32 bytes."""

    __slots__ = ("_secret", "public_key", "seed")

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        public, self._secret = crypto_sign_seed_keypair(seed)
        self.public_key = PublicKey(public)

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key from the system's random numbers."""
        return cls(os.urandom(32))

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes. The same input gives the same signature."""
        return crypto_sign(data, self._secret)[:_SIGNATURE]

    def to_pem(self) -> bytes:
        """The key as PEM (PKCS 8), not encrypted."""
        return pem.armour("PRIVATE KEY", _PRIVATE_PREFIX + self.seed)


def private_from_pem(text: bytes) -> PrivateKey:
    """Read a private key. Raises `ValueError` when the text is none, or one of another kind."""
    return PrivateKey(pem.raw("PRIVATE KEY", _PRIVATE_PREFIX, text))


def public_from_pem(text: bytes) -> PublicKey:
    """Read a public key. Raises `ValueError` when the text is none, or one of another kind."""
    return PublicKey(pem.raw("PUBLIC KEY", _PUBLIC_PREFIX, text))
