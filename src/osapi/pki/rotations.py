"""How the controller's key was replaced: a chain of links, each signed by the former key and by the new one.

Whoever trusts any key of the chain can trust all of it: the later ones, since each was named by the one before it, and the
earlier ones, since each was named by the one after it. A former key has a time at which it ends for new work; what it signed
before stays genuine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.errors import Forbidden, Invalid
from osapi.pki import sealing
from osapi.pki.ed25519 import PrivateKey, PublicKey
from osapi.pki.keys import fingerprint
from osapi.pki.sealing import NotForUs
from osapi.pki.signing import Signer, Verifier, digest_key

MOST = 1000
"""Links of a chain; a chain of so many still fits into one message of the broker."""
_PURPOSE = "rotation"
_CARRIED = "rotation-carried"

_Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
_Moment = Annotated[datetime, Meta(tz=True)]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """That `key` takes the place of `former`, whose signatures count for new work before `until` only."""

    former: _Key
    key: _Key
    issued: _Moment
    until: _Moment
    carried: bytes
    """The digest key of `former` (see `signing.digest_key`), readable for the holder of `key` alone."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as it was signed, JSON, with the signatures of both keys."""

    statement: bytes
    by_former: bytes
    by_key: bytes


Chain = tuple[Link, ...]


@dataclass(frozen=True)
class Known:
    """What a chain tells: all keys by their ids, when those that were replaced end, and the one of today."""

    keys: Mapping[str, PublicKey]
    until: Mapping[str, datetime]
    current: str


def extended(chain: Chain, former: PrivateKey, key: PrivateKey, issued: datetime, until: datetime) -> Chain:
    """The chain with one link more. Raises `Invalid` when it is as long as one may be."""
    if len(chain) >= MOST:
        raise Invalid(f"the controller's key was replaced {MOST} times, which is all that a chain of keys can hold")
    ends = former.public_key.raw, key.public_key.raw
    carried = sealing.encrypt(digest_key(former), _carrier(digest_key(key)), b"".join(ends))
    statement = msgspec.json.encode(Statement(former=ends[0], key=ends[1], issued=issued, until=until, carried=carried))
    signatures = [Signer(each).sign(_PURPOSE, statement) for each in (former, key)]
    return (*chain, Link(statement=statement, by_former=signatures[0], by_key=signatures[1]))


def encode(chain: Chain) -> bytes:
    """A chain as it is stored and sent."""
    return msgspec.json.encode(chain)


def decode(data: bytes) -> Chain:
    """Read a chain, of which nothing is believed yet. Raises `Forbidden` when it is none."""
    try:
        chain = msgspec.json.decode(data, type=Chain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Forbidden(f"the chain of controller keys cannot be read: {problem}") from problem
    if len(chain) > MOST:
        raise Forbidden(f"the chain of controller keys has {len(chain)} links; up to {MOST} are read")
    return chain


def follow(chain: Chain, trusted: PublicKey) -> Known:
    """Every key of the chain. Raises `Forbidden` unless it is whole, well signed, and holds the key that is trusted."""
    statements = [_opened(link) for link in chain]
    if any(one.key != next_.former for one, next_ in pairwise(statements)):
        raise Forbidden("the chain of controller keys is broken: a link does not begin where the one before it ends")
    order = [PublicKey(raw) for raw in (*(each.former for each in statements), *(each.key for each in statements[-1:]))]
    keys = {fingerprint(key): key for key in order or [trusted]}
    if fingerprint(trusted) not in keys or len(keys) < len(order):
        raise Forbidden(f"the chain of controller keys does not hold {fingerprint(trusted)}, or holds a key twice")
    return Known(keys, _ends(statements), list(keys)[-1])


def continues(chain: Chain, known: Chain) -> bool:
    """Whether a chain goes on where the known one ends; not when it is the same."""
    return len(chain) > len(known) and chain[: len(known)] == known


def carried(chain: Chain, key: PrivateKey) -> tuple[bytes, ...]:
    """The digest keys of the keys before this one, newest first. Of a chain that was followed."""
    found: list[bytes] = []
    at, opener = key.public_key.raw, digest_key(key)
    for link in reversed(chain):
        statement = _read(link)
        if statement.key != at:
            continue
        try:
            opener = sealing.decrypt(statement.carried, _carrier(opener), statement.former + statement.key)
        except NotForUs as problem:
            raise Forbidden("the chain of controller keys carries what this key cannot read") from problem
        found.append(opener)
        at = statement.former
    return tuple(found)


def _ends(statements: list[Statement]) -> dict[str, datetime]:
    """When each former key ends; none outlives one that came after it."""
    ends: dict[str, datetime] = {}
    earliest: datetime | None = None
    for each in reversed(statements):
        earliest = each.until if earliest is None else min(earliest, each.until)
        ends[fingerprint(PublicKey(each.former))] = earliest
    return ends


def _opened(link: Link) -> Statement:
    statement = _read(link)
    for raw, signature in ((statement.former, link.by_former), (statement.key, link.by_key)):
        key = PublicKey(raw)
        Verifier.of(key).verify(_PURPOSE, fingerprint(key), link.statement, signature)
    return statement


def _read(link: Link) -> Statement:
    try:
        return msgspec.json.decode(link.statement, type=Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Forbidden(f"a link of the chain of controller keys cannot be read: {problem}") from problem


def _carrier(key: bytes) -> bytes:
    """The key that encrypts what a link carries; not the digest key itself."""
    return hashlib.blake2b(_CARRIED.encode(), key=key, digest_size=sealing.KEY).digest()
