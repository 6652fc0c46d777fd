"""Ed25519 keys (RFC 8032) on libsodium, and their PEM form (RFC 8410).

Not on `cryptography`: its OpenSSL takes 11 MB in every agent and twice the time to verify, see the record
"Signatures on libsodium" in `docs/adr`. An Ed25519 key in PEM is a fixed prefix and 32 bytes, so reading it
needs no ASN.1.
"""

from __future__ import annotations

import base64
import binascii
import os

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

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
        return _armour("PUBLIC KEY", _PUBLIC_PREFIX + self.raw)


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
        return _armour("PRIVATE KEY", _PRIVATE_PREFIX + self.seed)


def private_from_pem(text: bytes) -> PrivateKey:
    """Read a private key. Raises `ValueError` when the text is none, or one of another kind."""
    return PrivateKey(_raw("PRIVATE KEY", _PRIVATE_PREFIX, text))


def public_from_pem(text: bytes) -> PublicKey:
    """Read a public key. Raises `ValueError` when the text is none, or one of another kind."""
    return PublicKey(_raw("PUBLIC KEY", _PUBLIC_PREFIX, text))


def _armour(label: str, der: bytes) -> bytes:
    """Put DER between the lines of RFC 7468; one line of base 64 holds an Ed25519 key."""
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n".encode()


def _raw(label: str, prefix: bytes, text: bytes) -> bytes:
    lines = [line.strip() for line in text.strip().split(b"\n")]
    if lines[0] != f"-----BEGIN {label}-----".encode() or lines[-1] != f"-----END {label}-----".encode():
        raise ValueError(f"there is no {label.lower()} between PEM lines")
    try:
        der = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error as problem:
        raise ValueError(f"the PEM text is damaged: {problem}") from problem
    if not der.startswith(prefix) or len(der) != len(prefix) + 32:
        raise ValueError("the key is of another kind; Ed25519 is needed")
    return der[len(prefix) :]
