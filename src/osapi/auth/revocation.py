"""Tokens that are refused before they expire: the list, in memory.

The list lives in a bucket so that every controller sees it: one entry for a token id, or for all tokens of a subject
that were issued before a time. Whoever owns the connection feeds entries in with `apply` (see
`controller.tokens`); an entry goes when the last token that it refuses has expired.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from osapi.auth.identity import Identity

BUCKET = "auth-tokens"
FILTER = "revoked.>"

_SUBJECT = "revoked.subject."
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Revoked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who is refused, and why: the token `token_id`, or those of `subject` issued before `before`.

    `expires` is when the last of them ends by itself; None when that is not known, and then the entry stays.
    """

    by: str
    at: datetime | None = None
    reason: str = ""
    token_id: str = ""
    subject: str = ""
    before: datetime | None = None
    expires: datetime | None = None


def key_of(token_id: str) -> str:
    """The key of a token id in the bucket. An id that does not fit into a key is told by its digest."""
    return f"revoked.{token_id if _PLAIN.fullmatch(token_id) else _digest(token_id)}"


def key_of_subject(subject: str) -> str:
    """The key of a subject whose tokens issued before a time are refused."""
    return _SUBJECT + _digest(subject)


def entry(revoked: Revoked) -> bytes:
    """The value to store under the key."""
    return msgspec.json.encode(revoked)


class Revocations:
    """What is refused, as far as the entries fed in so far tell.

    Of a token id only the key counts: an entry whose value cannot be read revokes like any other. One for a subject
    whose value cannot be read refuses all of its tokens.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Revoked] = {}

    def __contains__(self, token_id: object) -> bool:
        return bool(self._entries) and isinstance(token_id, str) and key_of(token_id) in self._entries

    def covers(self, identity: Identity) -> bool:
        """Whether this bearer's token is refused, by its id or by its subject."""
        if not self._entries:
            return False
        cut = self._entries.get(key_of_subject(identity.subject))
        by_subject = cut is not None and (cut.before is None or identity.issued < cut.before.timestamp())
        return by_subject or identity.token_id in self

    def apply(self, key: str, value: bytes = b"", *, deleted: bool) -> None:
        """Take in one entry of the bucket; one that is deleted allows the token again."""
        if deleted:
            self._entries.pop(key, None)
        else:
            self._entries[key] = _read(key, value)

    def find(self, key: str) -> Revoked | None:
        """The entry of this key; None when there is none."""
        return self._entries.get(key)

    def active(self, now: datetime) -> Iterator[Revoked]:
        """Every entry that still matters, in the order in which they came."""
        return (one for one in list(self._entries.values()) if one.expires is None or one.expires > now)

    def outdated(self, now: datetime) -> list[str]:
        """Keys of entries whose tokens have all expired."""
        return [key for key, one in self._entries.items() if one.expires is not None and one.expires <= now]


def _read(key: str, value: bytes) -> Revoked:
    try:
        return msgspec.json.decode(value, type=Revoked)
    except msgspec.DecodeError:
        return Revoked(by="", token_id="" if key.startswith(_SUBJECT) else key.removeprefix("revoked."))


def _digest(text: str) -> str:
    return f"sha256-{hashlib.sha256(text.encode()).hexdigest()}"
