"""Lets in who is enrolled, and nobody else: nats-server's users follow the bucket `agent-enrollment`.

Each change is written into the configuration of nats-server, which reads it again on SIGHUP and cuts the connections of users
that are gone. The list is kept beside it, so that a broker that starts again lets agents in before any controller is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from osapi.broker.configuration import Guests
from osapi.config import private
from osapi.contract.errors import Forbidden, Invalid, OsapiError
from osapi.fleet.enrolment.book import Book
from osapi.jobs import subjects
from osapi.pki import nkeys, rotations
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import fingerprint, load_public_key
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.bucket import Entry

_SETTLE_S = 0.05
"""Changes that come within this time are one."""
_AGAIN_S = 0.2
_log = get_logger(__name__)


class Controllers:
    """The keys of the controller: the one that is trusted, and those that a chain of keys ties to it."""

    def __init__(self, trusted: PublicKey) -> None:
        self._trusted = trusted
        self._keys: dict[str, PublicKey] = {fingerprint(trusted): trusted}
        self.verifier = Verifier(self._keys)

    def learn(self, entry: Entry | None) -> None:
        """Know what is stored, before anything that was signed is read."""
        if entry is not None:
            self.take(entry.value)

    def take(self, value: bytes) -> None:
        """Know the keys of a chain too, if it is well signed and holds the trusted key; empty for one that was removed."""
        if not value:
            return
        try:
            self._keys |= rotations.follow(rotations.decode(value), self._trusted).keys
        except Forbidden as problem:
            _log.error("security.rotation_refused", error=problem.message)
        self.verifier.know(self._keys)


class Door:
    """Follows the bucket named `bucket`. `apply` makes nats-server let in exactly these; it may raise `Invalid`."""

    def __init__(self, bucket: str, controller_key: Path, kept: Path, apply: Callable[[Guests], None]) -> None:
        self._bucket = bucket
        self._controller_key = controller_key
        self._kept = kept
        self._apply = apply
        self._applied = read(kept)

    async def run(self, broker: Broker) -> None:
        """Follow for ever. Begins when a controller has made the bucket and its own key."""
        book = await self._open(broker)
        while True:
            book.changed.clear()
            found = guests(book)
            if found != self._applied:
                self._change(found)
            await book.changed.wait()
            await asyncio.sleep(_SETTLE_S)

    async def _open(self, broker: Broker) -> Book:
        while True:
            try:
                bucket, controllers = broker.bucket(self._bucket), Controllers(load_public_key(self._controller_key))
                controllers.learn(await bucket.get(subjects.ROTATIONS))
                book = Book(bucket, controllers.verifier, controllers.take)
                await book.start()
            except OsapiError as problem:
                _log.debug("broker.enrolment_not_followed", error=problem.message)
                await asyncio.sleep(_AGAIN_S)
            else:
                return book

    def _change(self, found: Guests) -> None:
        try:
            self._apply(found)
            private.replace(self._kept, msgspec.json.encode(found))
        except Invalid as problem:
            _log.error("broker.users_not_changed", error=problem.message)
            return
        self._applied = found
        _log.info("broker.users", agents=len(found.agents), tokens=len(found.tokens))


def guests(book: Book) -> Guests:
    """Who is let in now, going by the book. A key counts once."""
    agents = {nkeys.public_nkey(each.signing_key): str(each.machine_id) for each in book.keys}
    return Guests(
        agents={machine: nkey for nkey, machine in agents.items()},
        tokens={each.id: each.nkey for each in book.tokens},
    )


def read(kept: Path) -> Guests:
    """Who was let in last; nobody when that is not known."""
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Guests)
    except (OSError, msgspec.DecodeError):
        return Guests()
