"""Verifies the chain of the audit, line by line, on the side of whoever asks: nothing that the server says is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from osapi.audit import record
from osapi.audit.api import ChainMessage, ChainStart
from osapi.audit.chain import Break, Checker, Tally
from osapi.audit.record import Place
from osapi.contract.errors import Forbidden
from osapi.pki import rotations
from osapi.pki.ed25519 import PublicKey, public_from_pem
from osapi.pki.keys import fingerprint
from osapi.pki.signing import Verifier
from osapi.sdk.errors import BadAnswer

Known = Place
"""A place of the chain that was seen before."""


class Verdict(msgspec.Struct, frozen=True):
    """What a verification has found. `head` is where the chain ends; None when there is nothing."""

    key: str
    """Fingerprint of the key that the chain was verified with."""
    messages: int
    records: int
    first: Place | None
    head: Place | None
    breaks: tuple[Break, ...]

    @property
    def is_whole(self) -> bool:
        return not self.breaks


class ChainReader:
    """Takes the lines of the chain; see `Audit.verify`. Raises `ValueError` for a key that is none."""

    def __init__(self, public_key: bytes | None, known: Iterable[Known]) -> None:
        self._trusted = None if public_key is None else public_from_pem(public_key)
        self._known = tuple(known)
        self._key = ""
        self._verifier: Verifier | None = None
        self._checker: Checker | None = None
        self._tally: Tally | None = None

    def take(self, line: bytes) -> None:
        """The next line. Raises `BadAnswer` when it is none of a chain."""
        try:
            if self._checker is None or self._verifier is None:
                self._begin(msgspec.json.decode(line, type=ChainStart))
            else:
                self._proceed(self._checker, self._verifier, msgspec.json.decode(line, type=ChainMessage))
        except msgspec.DecodeError as problem:
            raise BadAnswer(f"the chain has another shape than this version of the SDK knows: {problem}") from problem

    def verdict(self) -> Verdict:
        """What was found. Raises `BadAnswer` when the controller's word about the end has not come."""
        tally = self._tally
        if tally is None:
            raise BadAnswer("the chain broke off before the controller's word about its end; try again")
        return Verdict(self._key, tally.messages, tally.records, tally.first, tally.last, tuple(tally.breaks))

    def _begin(self, start: ChainStart) -> None:
        key = self._trusted or _told_key(start)
        self._key = fingerprint(key)
        self._verifier = Verifier(_keys(start, key))
        keeps = timedelta(seconds=start.keeps_s) if start.keeps_s else None
        self._checker = Checker(self._verifier, anchors=self._known, keeps=keeps, now=datetime.now(UTC))

    def _proceed(self, checker: Checker, verifier: Verifier, line: ChainMessage) -> None:
        message = line.message.encode()
        if not line.head:
            checker.take(line.sequence, message)
            return
        try:
            self._tally = checker.end(record.unseal_head(verifier, message).place)
        except Forbidden as problem:
            raise BadAnswer(
                f"the controller's word about the end of the chain is not signed by {self._key}"
            ) from problem


def _keys(start: ChainStart, key: PublicKey) -> Mapping[str, PublicKey]:
    """The key that is trusted, and those before and after it, if the controller's chain of keys holds it."""
    try:
        return rotations.follow(rotations.decode(bytes(start.rotations)), key).keys
    except Forbidden:
        return {fingerprint(key): key}


def _told_key(start: ChainStart) -> PublicKey:
    try:
        return public_from_pem(start.public_key.encode())
    except ValueError as problem:
        raise BadAnswer(f"the controller tells a key that is none: {problem}") from problem
