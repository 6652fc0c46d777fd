"""Keys in PEM files, in a folder of mode 0700.

Ed25519 pairs are `<name>.key` (PKCS 8, 0600) and `<name>.pub` (0644); of X25519 keys there is only the private file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from osapi.config import private
from osapi.contract.errors import Invalid
from osapi.pki import ed25519
from osapi.pki.ed25519 import PrivateKey, PublicKey
from osapi.pki.sealing import SealingKey


def fingerprint(key: PublicKey) -> str:
    """The key's id: `SHA256:` and the digest of its 32 raw bytes in lower-case hex."""
    return f"SHA256:{hashlib.sha256(key.raw).hexdigest()}"


def load_or_create_keypair(folder: Path, name: str) -> PrivateKey:
    """The private key `<name>.key`, made together with `<name>.pub` when it is missing.

    Processes that start at once all get the same key. A missing public file is written again from the
    private one. Raises `Invalid` when a file cannot be read or written, holds no Ed25519 key, can be
    read by others, or when the two files do not belong together.
    """
    private.private_dir(folder)
    path = folder / f"{name}.key"
    if not path.exists():
        private.create(path, PrivateKey.generate().to_pem())
    key = load_private_key(path)
    public = folder / f"{name}.pub"
    if not public.exists():
        private.create(public, key.public_key.to_pem(), mode=0o644)
    if fingerprint(load_public_key(public)) != fingerprint(key.public_key):
        raise Invalid(f"{public} is not the public half of {path}; remove the one that is wrong")
    return key


def load_private_key(path: Path) -> PrivateKey:
    """Read a private key. Raises `Invalid` when it is missing, no Ed25519 key, or others may read it."""
    try:
        return ed25519.private_from_pem(private.read(path))
    except ValueError as problem:
        raise Invalid(f"{path} holds no private key in PEM: {problem}; Ed25519 is needed") from problem


def load_public_key(path: Path) -> PublicKey:
    """Read a public key. Raises `Invalid` when it is missing or no Ed25519 key."""
    try:
        return ed25519.public_from_pem(path.read_bytes())
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise Invalid(f"{path} holds no public key in PEM: {problem}; Ed25519 is needed") from problem


def load_or_create_sealing_key(folder: Path, name: str) -> SealingKey:
    """The X25519 key in `<name>.key`, made when it is missing. Raises `Invalid` as `load_or_create_keypair` does."""
    private.private_dir(folder)
    path = folder / f"{name}.key"
    if not path.exists():
        private.create(path, SealingKey.generate().to_pem())
    try:
        return SealingKey.from_pem(private.read(path))
    except ValueError as problem:
        raise Invalid(f"{path} holds no key to open secrets with: {problem}; X25519 in PEM is needed") from problem
