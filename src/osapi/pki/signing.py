"""Signatures that say what they are for.

What is signed is `osapi/<purpose>`, a zero byte, and the data, so that a signature made for one purpose
never passes for another. Who holds which key, and where, is `pki.keys`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from osapi.contract.errors import Forbidden
from osapi.pki.ed25519 import BadSignature, PrivateKey, PublicKey
from osapi.pki.keys import fingerprint


class Signer:
    """Signs with one key (Ed25519, RFC 8032), which `become` replaces while others hold the signer.

    `key_id` is the fingerprint of the key that signs at present.
    """

    def __init__(self, private_key: PrivateKey) -> None:
        self.become(private_key)

    def become(self, private_key: PrivateKey, former: Iterable[bytes] = ()) -> None:
        """Sign with this key from now on. `former` are the digest keys of those before it, newest first."""
        self._key = private_key
        self.key_id = fingerprint(private_key.public_key)
        self._digest_keys = (digest_key(private_key), *former)

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key that signs at present."""
        return self._key.public_key

    def sign(self, purpose: str, data: bytes) -> bytes:
        """The signature, 64 bytes. The same input gives the same signature."""
        return self._key.sign(_message(purpose, data))

    def digest(self, purpose: str, data: bytes) -> bytes:
        """32 bytes that stand for `data`, and from which nobody without the private key can find it out by guessing."""
        return _digest(self._digest_keys[0], purpose, data)

    def recognises(self, purpose: str, data: bytes, digest: bytes) -> bool:
        """Whether `digest` stands for `data`, made with the key of today or a former one."""
        return any(_digest(key, purpose, data) == digest for key in self._digest_keys)


class Verifier:
    """Knows the public keys, by key id, whose signatures count. `know` replaces them while others hold the verifier."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def of(cls, *keys: PublicKey) -> Verifier:
        """A verifier that trusts exactly these keys."""
        return cls({fingerprint(key): key for key in keys})

    @property
    def lasting(self) -> Verifier:
        """One that also knows keys whose time is over, for what was verified before it was kept."""
        return self

    def know(self, keys: Mapping[str, PublicKey]) -> None:
        """Trust exactly these keys from now on."""
        self._keys = dict(keys)

    def knows(self, key_id: str) -> bool:
        """Whether a key is known, be it that its time is over."""
        return key_id in self._keys

    def verify(self, purpose: str, key_id: str, data: bytes, signature: bytes) -> None:
        """Return when the signature is good. Raises `Forbidden` when the key is unknown or anything differs."""
        key = self._keys.get(key_id)
        if key is None:
            raise Forbidden(f"signature for {purpose}: key {key_id} is not trusted here")
        try:
            key.verify(signature, _message(purpose, data))
        except BadSignature as problem:
            raise Forbidden(f"signature for {purpose} by key {key_id} does not fit the data") from problem


def _message(purpose: str, data: bytes) -> bytes:
    return b"".join((b"osapi/", purpose.encode(), b"\0", data))


def digest_key(key: PrivateKey) -> bytes:
    """What digests are keyed with: it follows from the private key and tells nothing of it."""
    return hashlib.blake2b(key.seed, digest_size=32, person=b"osapi/digest").digest()


def _digest(key: bytes, purpose: str, data: bytes) -> bytes:
    return hashlib.blake2b(_message(purpose, data), key=key, digest_size=32).digest()
