"""The keys that sign tokens: one signs, all verify, so that a key can be replaced without a break.

The ring is a file, `{"current": kid, "keys": {kid: base64}}`, readable by its owner only. The setting
`controller.api.security.signing_key` stands for a ring with one key.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.config import private
from osapi.contract.errors import Invalid

MIN_KEY_BYTES = 32
"""HS256 must not use a key shorter than its hash (RFC 7518, 3.2)."""

SETTING = "controller.api.security.signing_key"
_SETTING_KID = "settings"


@dataclass(frozen=True)
class KeyRing:
    """Keys by id. Raises `Invalid` when a key is short or the current one is missing."""

    current: str
    keys: Mapping[str, bytes]

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise Invalid(f"key ring: the current key {self.current!r} is not among its keys")
        for kid, key in self.keys.items():
            _check_length(f"key ring: key {kid!r}", key)

    @property
    def signing_key(self) -> bytes:
        return self.keys[self.current]

    def find(self, kid: str | None) -> bytes | None:
        """The key of this id; None when there is none. Without an id: the current key."""
        return self.keys.get(self.current if kid is None else kid)


class _File(msgspec.Struct):
    current: str
    keys: Annotated[dict[str, bytes], Meta(min_length=1)]


def of_setting(secret: str) -> KeyRing:
    """A ring with one key, the text of the setting. Raises `Invalid` when it is too short."""
    key = secret.encode()
    _check_length(SETTING, key)
    return KeyRing(_SETTING_KID, {_SETTING_KID: key})


def load(path: Path) -> KeyRing:
    """Read a ring. Raises `Invalid` when it is missing, readable by others, or no key ring."""
    try:
        file = msgspec.json.decode(private.read(path), type=_File)
    except msgspec.DecodeError as problem:
        raise Invalid(f"key ring {path}: {problem}") from problem
    return KeyRing(file.current, file.keys)


def load_or_create(path: Path) -> KeyRing:
    """Read the ring, or make one with a fresh key. Processes that start at once all get the same ring.

    Makes the folder (0700) and the file (0600). Raises `Invalid` as `load` does.
    """
    if not path.exists():
        kid = secrets.token_hex(4)
        private.private_dir(path.parent)
        private.create(path, msgspec.json.encode(_File(kid, {kid: secrets.token_bytes(MIN_KEY_BYTES)})))
    return load(path)


def _check_length(what: str, key: bytes) -> None:
    if len(key) < MIN_KEY_BYTES:
        raise Invalid(f"{what} is {len(key)} bytes long; at least {MIN_KEY_BYTES} are needed (openssl rand -base64 48)")
