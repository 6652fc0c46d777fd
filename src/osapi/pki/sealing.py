"""Messages that only the holder of a key can read: X25519 sealed boxes and XChaCha20-Poly1305, both of libsodium.

A message for many is encrypted once, with a key of its own; that key is sealed to each of them (`seal`, 80 bytes). Sealed
boxes: https://doc.libsodium.org/public-key_cryptography/sealed_boxes. PEM form of the key: RFC 8410.
"""

from __future__ import annotations

import functools
import os

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_box_seal,
    crypto_box_seal_open,
    crypto_scalarmult_base,
)
from nacl.exceptions import CryptoError

from osapi.pki import pem

KEY = 32
"""Bytes of a public key, and of the key of a message."""
SEALED = KEY + 48
"""Bytes of such a key that is sealed."""
_NONCE = 24
_PRIVATE_PREFIX = bytes.fromhex("302e020100300506032b656e04220420")


class NotForUs(Exception):
    """It was sealed to another key, or changed on the way."""


class SealingKey:
    """Opens what was sealed to it. `public` is what others seal to, 32 bytes."""

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes) -> None:
        self._private = private
        self.public = crypto_scalarmult_base(private)

    @classmethod
    def generate(cls) -> SealingKey:
        """A new key from the system's random numbers."""
        return cls(os.urandom(KEY))

    @classmethod
    def from_pem(cls, text: bytes) -> SealingKey:
        """Read a private key. Raises `ValueError` when the text is none, or one of another kind."""
        return cls(pem.raw("PRIVATE KEY", _PRIVATE_PREFIX, text))

    def to_pem(self) -> bytes:
        """The key as PEM (PKCS 8), not encrypted."""
        return pem.armour("PRIVATE KEY", _PRIVATE_PREFIX + self._private)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises `NotForUs`."""
        try:
            return crypto_box_seal_open(sealed, self.public, self._private)
        except (CryptoError, TypeError) as problem:
            raise NotForUs from problem


def seal(message: bytes, public: bytes) -> bytes:
    """Make it readable for the holder of the key alone. Costs about as much as a signature."""
    return crypto_box_seal(message, public)


@functools.lru_cache(maxsize=4096)
def is_usable(public: bytes) -> bool:
    """Whether something can be sealed to this key: not to one of another length, nor to a point of low order."""
    try:
        seal(b"", public)
    except CryptoError:
        return False
    return True


def new_key() -> bytes:
    """A key for one message."""
    return os.urandom(KEY)


def encrypt(message: bytes, key: bytes, context: bytes) -> bytes:
    """Encrypt; `context` is not hidden, but must be the same when it is decrypted."""
    nonce = os.urandom(_NONCE)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(message, context, nonce, key)


def decrypt(box: bytes, key: bytes, context: bytes) -> bytes:
    """The reverse. Raises `NotForUs` for another key or context, and for what was changed."""
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(box[_NONCE:], context, box[:_NONCE], key)
    except (CryptoError, TypeError, ValueError) as problem:
        raise NotForUs from problem
