"""The keys that sign tokens: one signs, all verify, so that a key can be replaced without a break.

The ring is a file, `{"current": kid, "keys": {kid: base64}, "until": {kid: time}}`, readable by its owner only; a key
with a time verifies until then. The setting `controller.api.security.signing_key` stands for a ring with one key.
Programs that run see a rotation through `live.LiveRing`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.config import private
from osapi.config.lock import Lock
from osapi.contract.errors import Invalid

MIN_KEY_BYTES = 32
"""HS256 must not use a key shorter than its hash (RFC 7518, 3.2)."""

SETTING = "controller.api.security.signing_key"
_SETTING_KID = "settings"


@dataclass(frozen=True)
class KeyRing:
    """Keys by id; `until` says when one retires. Raises `Invalid` when a key is short or the current one is missing."""

    current: str
    keys: Mapping[str, bytes]
    until: Mapping[str, datetime] = field(default_factory=dict[str, datetime])

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise Invalid(f"key ring: the current key {self.current!r} is not among its keys")
        for kid, key in self.keys.items():
            _check_length(f"key ring: key {kid!r}", key)

    @property
    def signing_key(self) -> bytes:
        return self.keys[self.current]

    def find(self, kid: str | None, now: datetime) -> bytes | None:
        """The key of this id; None when there is none or it has retired. Without an id: the current key."""
        name = self.current if kid is None else kid
        until = self.until.get(name)
        return self.keys.get(name) if until is None or now < until else None

    def rotated(self, kid: str, key: bytes, now: datetime, grace: timedelta) -> KeyRing:
        """A ring that signs with the new key. The former one verifies for `grace` yet; what has retired is left out."""
        until = {**self.until, self.current: now + grace}
        alive = {name: end for name, end in until.items() if end > now}
        kept = {name: held for name, held in self.keys.items() if name in alive or name not in until}
        return KeyRing(kid, {**kept, kid: key}, alive)


class _File(msgspec.Struct, omit_defaults=True):
    current: str
    keys: Annotated[dict[str, bytes], Meta(min_length=1)]
    until: dict[str, Annotated[datetime, Meta(tz=True)]] = {}


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
    return KeyRing(file.current, file.keys, file.until)


def load_or_create(path: Path) -> KeyRing:
    """Read the ring, or make one with a fresh key. Processes that start at once all get the same ring.

    Makes the folder (0700) and the file (0600). Raises `Invalid` as `load` does.
    """
    if not path.exists():
        private.private_dir(path.parent)
        kid, key = _fresh()
        private.create(path, _text(KeyRing(kid, {kid: key})))
    return load(path)


def rotate(path: Path, now: datetime, grace: timedelta) -> KeyRing:
    """Sign with a fresh key from now on and return the new ring.

    Raises `Invalid` as `load` does, and for a grace below 0; `Conflict` while another rotation is under way.
    """
    if grace < timedelta(0):
        raise Invalid(f"grace {grace} is not allowed; 0 or more is, 0 ends the former key at once")
    lock = Lock(path.with_name(f".{path.name}.lock"), f"key ring {path}")
    try:
        ring = load(path).rotated(*_fresh(), now, grace)
        private.replace(path, _text(ring))
    finally:
        lock.release()
    return ring


def _fresh() -> tuple[str, bytes]:
    return secrets.token_hex(4), secrets.token_bytes(MIN_KEY_BYTES)


def _text(ring: KeyRing) -> bytes:
    return msgspec.json.encode(_File(ring.current, dict(ring.keys), dict(ring.until)))


def _check_length(what: str, key: bytes) -> None:
    if len(key) < MIN_KEY_BYTES:
        raise Invalid(f"{what} is {len(key)} bytes long; at least {MIN_KEY_BYTES} are needed (openssl rand -base64 48)")
