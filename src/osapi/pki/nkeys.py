"""Broker identities: NATS nkeys, which are Ed25519 keys in base 32 with a prefix and a checksum.

A seed (`SU…`, secret) is what a client signs the broker's challenge with; the public key (`U…`) is what
the broker's configuration lists. The encoding is that of github.com/nats-io/nkeys, `strkey.go`.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from osapi.config import private
from osapi.contract.errors import Invalid
from osapi.pki.ed25519 import PrivateKey

_SEED = 18 << 3
_USER = 20 << 3


def load_or_create(folder: Path, name: str) -> str:
    """The public nkey of `<name>.seed` (0600), made when it is missing, with its public half in `<name>.nkey` (0644).

    Raises `Invalid` when a file cannot be read or written, is no seed, or can be read by others.
    """
    private.private_dir(folder)
    path = folder / f"{name}.seed"
    if not path.exists():
        private.create(path, seed_of(PrivateKey.generate()).encode())
    public = public_of(path)
    shown = folder / f"{name}.nkey"
    if not shown.exists() or read_public(shown) != public:
        private.replace(shown, public.encode() + b"\n", mode=0o644)
    return public


def read_public(path: Path) -> str:
    """The public nkey in this file. Raises `Invalid` when it is missing."""
    try:
        return path.read_text().strip()
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}") from problem


def public_of(path: Path) -> str:
    """The public nkey that belongs to the seed in this file. Raises `Invalid` when it holds no user seed."""
    raw = _decoded(private.read(path).strip())
    if len(raw) != 34 or raw[0] != _SEED | _USER >> 5 or raw[1] != (_USER & 31) << 3:
        raise Invalid(f"{path} holds no nkey seed of a user (it begins with SU)")
    return public_nkey(PrivateKey(raw[2:]).public_key.raw)


def public_nkey(raw: bytes) -> str:
    """The public nkey of a user (`U…`) whose Ed25519 key has these 32 bytes."""
    return _encoded(bytes([_USER]) + raw)


def seed_of(key: PrivateKey) -> str:
    """The nkey seed of a user (`SU…`), which is this key in another form."""
    return _encoded(bytes([_SEED | _USER >> 5, (_USER & 31) << 3]) + key.seed)


def _encoded(raw: bytes) -> str:
    """Base 32 of `raw` and its checksum (CRC-16/XMODEM, low byte first), without padding."""
    checksum = binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(raw + checksum).rstrip(b"=").decode()


def _decoded(text: bytes) -> bytes:
    """The bytes before the checksum; empty when the text is not base 32 or the checksum differs."""
    try:
        raw = base64.b32decode(text + b"=" * (-len(text) % 8))
    except binascii.Error:
        return b""
    if binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") != raw[-2:]:
        return b""
    return raw[:-2]
