"""Lets in who is enrolled, and nobody else: nats-server's users follow the bucket `agent-enrollment`.

Each change is written into the configuration of nats-server, which reads it again on SIGHUP and cuts the connections of users
that are gone. The list is kept beside it, so that a broker that starts again lets agents in before any controller is there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from osapi.broker.accounts import Guests
from osapi.config import private
from osapi.contract.errors import Forbidden, OsapiError
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
_RETRY_S = 2.0
"""After this time a change that failed is tried again."""
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
    """Follows the bucket named `bucket`. `apply` makes nats-server let in exactly these; what it raises is logged, and it is tried again.

    `applied` is whom nats-server lets in already; None when that is not known.
    """

    def __init__(
        self,
        bucket: str,
        controller_key: Path,
        kept: Path,
        apply: Callable[[Guests], Awaitable[None]],
        applied: Guests | None,
    ) -> None:
        self._bucket = bucket
        self._controller_key = controller_key
        self._kept = kept
        self._apply = apply
        self._applied = applied

    async def run(self, broker: Broker) -> None:
        """Follow for ever. Begins when a controller has made the bucket and its own key."""
        book = await self._open(broker)
        while True:
            book.changed.clear()
            found = guests(book)
            done = found == self._applied or await self._change(found)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(book.changed.wait(), None if done else _RETRY_S)
            await asyncio.sleep(_SETTLE_S)

    async def _open(self, broker: Broker) -> Book:
        while True:
            try:
                return await open_book(broker, self._bucket, self._controller_key)
            except OsapiError as problem:
                _log.debug("broker.enrolment_not_followed", error=problem.message)
                await asyncio.sleep(_AGAIN_S)

    async def _change(self, found: Guests) -> bool:
        """Whether it is done now."""
        try:
            await self._apply(found)
            keep(self._kept, found)
        except OsapiError as problem:
            _log.error("broker.users_not_changed", error=problem.message, retry_s=_RETRY_S)
            return False
        self._applied = found
        _log.info("broker.users", agents=len(found.agents), tokens=len(found.tokens))
        return True


async def open_book(broker: Broker, bucket: str, controller_key: Path) -> Book:
    """Who is enrolled, read and followed. Raises an `OsapiError` while a controller has not made the bucket or its key."""
    entries, controllers = broker.bucket(bucket), Controllers(load_public_key(controller_key))
    controllers.learn(await entries.get(subjects.ROTATIONS))
    book = Book(entries, controllers.verifier, controllers.take)
    await book.start()
    return book


def guests(book: Book) -> Guests:
    """Who is let in now, going by the book. A key counts once."""
    agents = {nkeys.public_nkey(each.signing_key): str(each.machine_id) for each in book.keys}
    return Guests(
        agents={machine: nkey for nkey, machine in agents.items()},
        tokens={each.id: each.nkey for each in book.tokens},
    )


def keep(kept: Path, found: Guests) -> None:
    """Note who is let in, for a later start. Raises `Invalid` when that cannot be written."""
    private.replace(kept, msgspec.json.encode(found))


def read(kept: Path) -> Guests:
    """Who was let in last; nobody when that is not known."""
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Guests)
    except (OSError, msgspec.DecodeError):
        return Guests()
