"""Whom this agent believes: the controller's key that it was given, and those that took its place since.

The chain of keys (`pki.rotations`) is read from the bucket when a rotation is announced, when a message is signed by a key that
is not known, after every connect, and now and then. It is kept beside the key that was given, and only ever grows. A former key
counts until its time, by the clock of this host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from osapi.agent.pulse import Pulse
from osapi.config.paths import Paths
from osapi.contract.errors import Forbidden, OsapiError
from osapi.jobs import envelope, subjects
from osapi.pki import key_folder, rotations
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import load_public_key
from osapi.pki.rotations import Chain, Known
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker, Message
from osapi.transport.bucket import Bucket

_EVERY_S = 600.0
_STRANGE_S = 1.0
_STRANGERS = 64

_log = get_logger(__name__)


class TimedVerifier(Verifier):
    """Knows keys that end. `lasting` is for what was believed before and is this agent's own to keep."""

    def __init__(self, known: Known, now: Callable[[], datetime]) -> None:
        super().__init__(known.keys)
        self._now = now
        self._until = known.until
        self._lasting = Verifier(known.keys)

    @property
    def lasting(self) -> Verifier:
        return self._lasting

    def learn(self, known: Known) -> None:
        """Trust these keys from now on, each until its time."""
        self.know(known.keys)
        self._lasting.know(known.keys)
        self._until = known.until

    def verify(self, purpose: str, key_id: str, data: bytes, signature: bytes) -> None:
        until = self._until.get(key_id)
        if until is not None and self._now() >= until:
            raise Forbidden(
                f"signature for {purpose}: key {key_id} was replaced and ended at {until:%Y-%m-%d %H:%M:%S} UTC"
            )
        super().verify(purpose, key_id, data, signature)


class Trust:
    """The keys of the controller, as one agent knows them. Raises `Invalid` when the key or the chain cannot be used.

    `folder` holds the key that was given (`controller.pub`) and the chain.
    """

    def __init__(self, given: PublicKey, folder: Path, now: Callable[[], datetime]) -> None:
        self._given = given
        self._folder = folder
        self._chain = self._kept()
        self._bucket: Bucket | None = None
        self._looking = asyncio.Lock()
        self._strange: dict[str, float] = {}
        self.verifier = TimedVerifier(rotations.follow(self._chain, given), now)

    async def start(self, broker: Broker, bucket: str) -> None:
        """Hear of rotations, and look what was missed. `bucket` is where the chain is kept."""
        self._bucket = broker.bucket(bucket)
        await broker.subscribe(subjects.ROTATED, self._on_rotation)
        await self.look()

    async def run(self, returned: Pulse) -> None:
        """Look after every connect, and now and then. Never returns."""
        while True:
            await returned.wait(_EVERY_S)
            await self.look()

    async def meet(self, sealed: bytes) -> None:
        """Before a message is judged: look at the chain if an unknown key has signed it."""
        try:
            header, _ = envelope.parse(sealed)
        except Forbidden:
            return
        if header is None or self.verifier.knows(header.key) or self._is_strange(header.key):
            return
        await self.look()
        if not self.verifier.knows(header.key):
            self._remember(header.key)

    async def look(self) -> None:
        """Read the chain and learn from it. What goes wrong is logged and changes nothing."""
        if self._bucket is None:
            return
        async with self._looking:
            try:
                entry = await self._bucket.get(subjects.ROTATIONS)
                if entry is not None and not entry.deleted:
                    await self._take(rotations.decode(entry.value))
            except Forbidden as problem:
                _log.error("security.rotation_refused", error=problem.message)
            except OsapiError as problem:
                _log.warning("rotation.unseen", error=problem.message)

    async def _on_rotation(self, _: Message) -> None:
        await self.look()

    async def _take(self, chain: Chain) -> None:
        """Believe a chain that goes on where the known one ends. Raises `Forbidden` for any other."""
        if self._chain[: len(chain)] == chain:
            return
        if not rotations.continues(chain, self._chain):
            raise Forbidden("the chain of controller keys is another one than before")
        known = await asyncio.to_thread(rotations.follow, chain, self._given)
        self._chain = chain
        self.verifier.learn(known)
        self._strange.clear()
        _log.info("controller.key_changed", key=known.current)
        try:
            await asyncio.to_thread(key_folder.keep_chain, self._folder, chain)
        except OsapiError as problem:
            _log.error("rotation.not_kept", error=f"{problem.message}; after a restart the agent reads the chain again")

    def _kept(self) -> Chain:
        """The chain that was kept; none when the key that was given is not in it, as after a new enrolment."""
        chain = key_folder.read_chain(self._folder)
        try:
            rotations.follow(chain, self._given)
        except Forbidden as problem:
            _log.warning("rotation.kept_unused", error=problem.message)
            return ()
        return chain

    def _is_strange(self, key_id: str) -> bool:
        met = self._strange.get(key_id)
        return met is not None and asyncio.get_running_loop().time() - met < _STRANGE_S

    def _remember(self, key_id: str) -> None:
        """Do not look again at once for a key that no chain has."""
        if len(self._strange) >= _STRANGERS:
            self._strange.clear()
        self._strange[key_id] = asyncio.get_running_loop().time()


def of(paths: Paths, now: Callable[[], datetime]) -> Trust:
    """What an agent of this installation trusts. Raises `Invalid` without a usable `controller.pub`."""
    return Trust(load_public_key(paths.controller_public_key), paths.agent_pki, now)


async def nobody_new(_: bytes) -> None:
    """For who knows all keys there are."""
