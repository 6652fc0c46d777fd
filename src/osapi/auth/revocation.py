"""Tokens that are refused before they expire: the list, in memory.

The list lives in a bucket, one entry per token id, so that every controller sees it; whoever owns the
connection feeds entries in with `apply` (see `controller.app`) and writes one with `key_of` and `entry`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import msgspec

BUCKET = "auth-tokens"
FILTER = "revoked.>"

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Revoked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a token is on the list. `expires` None: when the token ends by itself is not known."""

    by: str
    expires: datetime | None = None


def key_of(token_id: str) -> str:
    """The key of a token id in the bucket. An id that does not fit into a key is told by its digest."""
    if _PLAIN.fullmatch(token_id):
        return f"revoked.{token_id}"
    return f"revoked.sha256-{hashlib.sha256(token_id.encode()).hexdigest()}"


def entry(by: str, expires: datetime | None = None) -> bytes:
    """The value to store under `key_of`."""
    return msgspec.json.encode(Revoked(by=by, expires=expires))


class Revocations:
    """The set of refused token ids, as far as the entries fed in so far tell.

    Only the key counts: an entry whose value cannot be read revokes like any other.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def __contains__(self, token_id: object) -> bool:
        return bool(self._keys) and isinstance(token_id, str) and key_of(token_id) in self._keys

    def apply(self, key: str, *, deleted: bool) -> None:
        """Take in one entry of the bucket; one that is deleted allows the token again."""
        if deleted:
            self._keys.discard(key)
        else:
            self._keys.add(key)
