"""Enrols agents: answers those who ask, and carries out what operators decide. Several controllers may do so at once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from osapi.contract.errors import Conflict, Forbidden, Invalid, NotFound, OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records, wire
from osapi.fleet.enrolment.book import Book
from osapi.fleet.enrolment.decision import Known, Verdict, decide
from osapi.fleet.enrolment.pace import Pace
from osapi.fleet.enrolment.records import Barred, KeyEntry, Pending, Record, Standing, TokenEntry
from osapi.fleet.enrolment.wire import Request, Status
from osapi.jobs import subjects
from osapi.pki import join_token, nkeys
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.join_token import JoinToken
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker, Message
from osapi.transport.bucket import Bucket

_SWEEP_S = 60.0
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the settings say. `servers` are those that a token names unless told otherwise."""

    servers: tuple[str, ...]
    namespace: str
    auto_accept: bool
    most_pending: int


class ControllerKeys(Protocol):
    """By which a controller signs, and whom it believes; see `fleet.service.Keys`."""

    @property
    def signer(self) -> Signer:
        """Signs with the key of today."""
        ...

    @property
    def verifier(self) -> Verifier:
        """Knows every key of a controller."""
        ...

    @property
    def rotations(self) -> Callable[[], bytes]:
        """Gives the chain of keys, encoded."""
        ...


class Enrolment:
    """The enrolment of one controller."""

    def __init__(
        self,
        broker: Broker,
        bucket: Bucket,
        book: Book,
        keys: ControllerKeys,
        terms: Terms,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.book = book
        self._broker = broker
        self._bucket = bucket
        self._signer = keys.signer
        self._verifier = keys.verifier
        self._rotations = keys.rotations
        self._terms = terms
        self._now = now
        self._pace = Pace()
        self._deciding = asyncio.Lock()
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, then answer. A second call changes nothing."""
        if self._sweeping is None:
            await self.book.start()
            await self._broker.subscribe_queue(subjects.JOIN_REQUESTS, subjects.CONTROLLERS, self._on_request)
            self._sweeping = asyncio.create_task(self._sweep(), name="sweep join tokens")

    async def stop(self) -> None:
        """End the watch. A second call changes nothing."""
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
        await self.book.stop()

    # -- tokens --------------------------------------------------------------------------------

    async def make_token(
        self, by: str, *, uses: int, life: timedelta | None, approves: bool, servers: tuple[str, ...] = ()
    ) -> tuple[TokenEntry, str]:
        """A new join token, and its text, which nobody keeps. `life` None: good until it is used up."""
        key, token_id, now = PrivateKey.generate(), secrets.token_hex(8), self._now()
        entry = TokenEntry(
            key=records.token_of(token_id), id=token_id, nkey=nkeys.public_nkey(key.public_key.raw), uses=uses,
            expires=None if life is None else now + life, approves=approves, created=now, created_by=by,
        )  # fmt: skip
        await self._write(entry)
        token = JoinToken(
            id=token_id, controller=self._signer.key_id, servers=servers or self._terms.servers,
            namespace=self._terms.namespace, seed=nkeys.seed_of(key),
        )  # fmt: skip
        return entry, join_token.encode(token)

    async def drop_token(self, token_id: str) -> TokenEntry:
        """Let nobody join with this token any more. Raises `NotFound`."""
        entry = self.book.token(token_id)
        if entry is None:
            raise NotFound(f"there is no join token {token_id}")
        await self._remove(entry.key)
        return entry

    # -- decisions -----------------------------------------------------------------------------

    def waiting(self, name: str, key: str = "") -> Pending:
        """The request of that host name or machine id. Raises `NotFound`, and `Invalid` when several have the name."""
        found = [each for each in self.book.pending if name in (each.hostname, each.machine_id)]
        found = [each for each in found if key in ("", each.fingerprint)]
        if not found:
            told = f" with the key {key}" if key else ""
            raise NotFound(
                f"no host {name}{told} waits to be accepted; `osapi client agent list --pending` shows who does"
            )
        if len(found) > 1:
            raise Invalid(f"{len(found)} hosts named {name} wait; name one by its machine id or fingerprint")
        return found[0]

    async def accept(self, pending: Pending, by: str) -> None:
        """Know the machine by this key from now on, whatever it was known by before."""
        await self._accept(pending.machine_id, pending.hostname, pending.public_key, by)
        await self._remove(pending.key)

    async def reject(self, pending: Pending, by: str) -> None:
        """Accept this key no more, until it is allowed."""
        await self._bar(pending.fingerprint, pending.machine_id, by, "rejected")
        await self._remove(pending.key)

    async def revoke(self, machine: MachineId, by: str) -> str:
        """Believe the key of this machine no longer, nor again until it is allowed; returns its fingerprint. Raises `NotFound`."""
        entry = self.book.key(machine)
        if entry is None:
            raise NotFound(f"{machine} is known by no key")
        found = records.print_of(entry.signing_key)
        await self._bar(found, machine, by, "revoked")
        await self._gone(entry)
        return found

    async def allow(self, key: str, by: str) -> Barred:
        """Let the key with this fingerprint ask again; a join token decides then, as for a new one. Raises `NotFound`."""
        found = self.book.barred(key)
        if found is None:
            raise NotFound(f"no key {key} is barred; `osapi client agent list --barred` shows those that are")
        await self._write(msgspec.structs.replace(found, allowed_by=by, since=self._now()))
        _log.info("enrolment.allowed", machine_id=found.machine_id, fingerprint=found.fingerprint, by=by)
        return found

    async def forget(self, machine: MachineId) -> None:
        """Know the machine by no key; it may ask to be enrolled again. A second call changes nothing."""
        entry, pending = self.book.key(machine), self.book.request(machine)
        if entry is not None:
            await self._gone(entry)
        if pending is not None:
            await self._remove(pending.key)

    # -- requests ------------------------------------------------------------------------------

    async def _on_request(self, message: Message) -> None:
        """Answer, unless there are too many requests or the answer should go elsewhere than to who asks."""
        token_id = message.subject.rpartition(".")[2]
        if not self._pace.allows() or not subjects.is_own_reply(message.reply, subjects.join_inbox(token_id)):
            return
        try:
            request = wire.asked(message.data)
            async with self._deciding:
                verdict = await self._settle(request, token_id)
        except Forbidden as problem:
            _log.warning("security.join_request_refused", token=token_id, error=problem.message)
            return
        except OsapiError as problem:
            _log.warning("enrolment.not_settled", token=token_id, error=problem.message)
            return
        answer = wire.answered(self._signer, self._rotations(), message.data, verdict.status, verdict.reason)
        await message.respond(answer)

    async def _settle(self, request: Request, token_id: str) -> Verdict:
        machine, token = request.machine_id, self.book.token(token_id)
        known = Known(
            token=token,
            barred=self.book.barred(records.print_of(request.signing_key)),
            key=self.book.key(machine),
            pending=self.book.request(machine),
            owner=self.book.owner(request.signing_key),
            is_full=len(self.book.pending) >= self._terms.most_pending,
        )
        verdict = decide(request, known, self._now(), auto_accept=self._terms.auto_accept)
        if verdict.is_new and token is not None:
            await self._spend(token)
            if verdict.status is Status.ACCEPTED:
                await self._accept(machine, request.hostname, request.signing_key, f"token {token_id}")
            else:
                await self._ask(request, token_id, verdict.reason)
        return verdict

    async def _spend(self, token: TokenEntry) -> None:
        """One use less. Raises `Conflict` when another controller was quicker; who asks asks again."""
        stored = await self._bucket.get(token.key)
        present = None if stored is None or stored.deleted else stored
        if present is None or self.book.token(token.id) is None:
            raise Conflict(f"join token {token.id} is gone")
        found = records.opened(self._verifier, token.key, present.value, TokenEntry)
        if found.uses < 1:
            raise Conflict(f"join token {token.id} is used up")
        less = msgspec.structs.replace(found, uses=found.uses - 1)
        await self._bucket.update(token.key, records.sealed(self._signer, less), present.revision)
        self.book.keep(less)

    async def _ask(self, request: Request, token_id: str, reason: str) -> None:
        key = records.print_of(request.signing_key)
        pending = Pending(
            key=records.pending_of(request.machine_id), machine_id=request.machine_id, hostname=request.hostname,
            public_key=request.signing_key, fingerprint=key, requested_at=self._now(), token_id=token_id, reason=reason,
        )  # fmt: skip
        await self._bucket.create(pending.key, records.sealed(self._signer, pending))
        self.book.keep(pending)
        _log.warning(
            "enrolment.pending",
            machine_id=request.machine_id,
            hostname=request.hostname,
            fingerprint=key,
            reason=reason,
        )

    # -- the bucket ----------------------------------------------------------------------------

    async def _accept(self, machine: MachineId, hostname: str, key: bytes, by: str) -> None:
        entry = KeyEntry(
            key=records.key_of(machine), machine_id=machine, signing_key=key, standing=Standing.ACCEPTED,
            since=self._now(), hostname=hostname, accepted_by=by,
        )  # fmt: skip
        await self._write(entry)
        _log.info("enrolment.accepted", machine_id=machine, hostname=hostname, fingerprint=records.print_of(key), by=by)

    async def _gone(self, entry: KeyEntry) -> None:
        await self._write(msgspec.structs.replace(entry, standing=Standing.GONE, since=self._now()))

    async def _bar(self, key: str, machine: MachineId, by: str, reason: str) -> None:
        await self._write(
            Barred(
                key=records.barred_of(key), fingerprint=key, machine_id=machine, since=self._now(), by=by, reason=reason
            )
        )

    async def _write(self, record: Record) -> None:
        await self._bucket.put(record.key, records.sealed(self._signer, record))
        self.book.keep(record)

    async def _remove(self, key: str) -> None:
        await self._bucket.purge(key)
        self.book.drop(key)

    async def _sweep(self) -> None:
        """Remove tokens whose time is over and for which nobody waits any more."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            waiting = {each.token_id for each in self.book.pending}
            for token in self.book.tokens:
                if token.expires is not None and token.expires <= self._now() and token.id not in waiting:
                    try:
                        await self._remove(token.key)
                    except OsapiError as problem:
                        _log.debug("enrolment.not_swept", error=problem.message)
