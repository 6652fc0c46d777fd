"""The controller's key while the controller runs: taken from its folder anew when it is replaced, and told to the fleet.

The chain of keys is stored in the bucket and announced before the first message is signed with a new key, so that every agent can
know it. A controller whose folder has not got the new key yet knows it by the chain, and signs with the former one meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from osapi.config import private
from osapi.contract.errors import Conflict, Forbidden, Invalid, OsapiError
from osapi.jobs import subjects
from osapi.pki import key_folder, rotations
from osapi.pki.ed25519 import PublicKey
from osapi.pki.key_folder import Held
from osapi.pki.keys import fingerprint
from osapi.pki.rotations import Chain
from osapi.pki.signing import Signer, Verifier
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.follower import Follower

LOOK_S = 0.5
"""How often the folder is looked at."""
SPREAD_S = 1.0
"""How long a chain has been announced before the first message is signed with its new key. Agents that have not heard of it by then
look it up; other controllers follow the bucket and need the moment."""
_FORK = (
    "the chain of keys in {folder} is another one than that of the fleet: the key was replaced on two controllers at once;"
    " copy the key folder of the one whose chain the fleet has"
)
_log = get_logger(__name__)


class Rotating:
    """Signer and verifier of one controller, which stay the same objects over every rotation.

    The verifier knows former keys for ever: what controllers keep was verified when it came. Raises `Invalid` and `Conflict`
    for a key folder that cannot be used, as `key_folder.load` does.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._now = now
        key_folder.load(folder)
        self._stamp = private.stamp(self._key)
        held = key_folder.read(folder)
        self.chain = held.chain
        try:
            self._known = rotations.follow(held.chain, held.key.public_key)
        except Forbidden as problem:
            raise Invalid(f"{folder / key_folder.CHAIN}: {problem.message}") from problem
        self.signer = Signer(held.key)
        self.signer.become(held.key, rotations.carried(held.chain, held.key))
        self.verifier = Verifier(self._known.keys)
        self._kept = held.chain
        self._stored: bytes | None = None
        self._revision = 0
        self._broker: Broker | None = None
        self._bucket: Bucket | None = None
        self._follower: Follower | None = None
        self._due = asyncio.Event()
        self._told = ""
        self._running: asyncio.Task[None] | None = None

    async def start(self, broker: Broker, bucket: str) -> None:
        """Tell the fleet of the chain, and follow folder and bucket from now on. A second call changes nothing.

        Raises `Unavailable` when the broker is away, and `Conflict` when the fleet knows another chain.
        """
        if self._running is not None:
            return
        self._broker, self._bucket = broker, broker.bucket(bucket)
        self._follower = Follower(self._bucket, subjects.ROTATIONS, self._note, self._on_reset)
        await self._follower.start()
        await self._publish(self.chain, established=False)
        self._running = asyncio.create_task(self._run(), name="rotation")

    async def stop(self) -> None:
        """Follow no more. A second call changes nothing."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        if self._follower is not None:
            await self._follower.stop()

    def problem(self) -> str | None:
        """Why agents refuse what this controller signs; None when they do not."""
        until = self._known.until.get(self.signer.key_id)
        if until is None or self._now() < until:
            return None
        return f"its key was replaced on another controller and ended at {until:%Y-%m-%d %H:%M:%S} UTC; copy {self._key} here"

    def told(self) -> bytes:
        """The chain of keys, as `pki.rotations` encodes it."""
        return rotations.encode(self.chain)

    @property
    def _key(self) -> Path:
        return self._folder / "controller.key"

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._due.wait()
            self._due.clear()
            try:
                await self._look()
                self._told = ""
            except OsapiError as problem:
                self._tell(problem.message)

    def _tell(self, trouble: str) -> None:
        if trouble != self._told:
            _log.error("rotation.not_taken", error=trouble)
        self._told = trouble

    async def _look(self) -> None:
        """Take the key in the folder if it is another one; keep and store the chain where it is behind."""
        stamp = private.stamp(self._key)
        if stamp != self._stamp:
            await self._take(await asyncio.to_thread(key_folder.read, self._folder))
            self._stamp = stamp
        await self._publish(self.chain)
        if rotations.continues(self.chain, self._kept):
            await asyncio.to_thread(key_folder.keep_chain, self._folder, self.chain)
            self._kept = self.chain

    async def _take(self, held: Held) -> None:
        """Sign with another key once everybody can know it. Raises `Forbidden` for one that no chain of ours has."""
        chain = held.chain if rotations.continues(held.chain, self.chain) else self.chain
        known = rotations.follow(chain, self.signer.public_key)
        key_id = fingerprint(held.key.public_key)
        if key_id not in known.keys:
            raise Forbidden(
                f"the key in {self._key} is {key_id}, which is in no chain of keys after {self.signer.key_id}"
            )
        former = rotations.carried(chain, held.key)
        await self._publish(chain, established=chain == self.chain)
        self._learn(chain)
        await asyncio.sleep(SPREAD_S)
        self.signer.become(held.key, former)
        _log.info("controller.key_changed", key=key_id)

    async def _publish(self, chain: Chain, *, established: bool = True) -> None:
        """Store a chain and announce it, where the bucket is behind or holds what does not belong there.

        Raises `Conflict` when it holds another one that is well signed, unless ours is `established` as that of the fleet: the key
        was then replaced twice from one former key.
        """
        if self._broker is None or self._bucket is None or not chain:
            return
        stored = self._well_signed()
        if stored[: len(chain)] == chain:
            return
        if chain[: len(stored)] != stored:
            if not established:
                raise Conflict(_FORK.format(folder=self._folder))
            _log.error("security.rotation_refused", error="another chain of keys was stored; ours is put back")
        value = rotations.encode(chain)
        self._revision = await self._bucket.update(subjects.ROTATIONS, value, self._revision)
        self._stored = value
        await self._broker.publish(subjects.ROTATED, value)

    def _well_signed(self) -> Chain:
        """The chain in the bucket; empty when nothing of it can be believed."""
        if self._stored is None:
            return ()
        try:
            chain = rotations.decode(self._stored)
            rotations.follow(chain, self._oldest())
        except Forbidden as problem:
            _log.error("security.rotation_refused", error=problem.message)
            return ()
        return chain

    def _oldest(self) -> PublicKey:
        """The key with which every chain of this fleet begins."""
        return next(iter(self._known.keys.values()))

    def _learn(self, chain: Chain) -> None:
        """Know a chain that goes on where the known one ends. Raises `Forbidden` when it is not well signed."""
        if rotations.continues(chain, self.chain):
            self._known = rotations.follow(chain, self.signer.public_key)
            self.chain = chain
            self.verifier.know(self._known.keys)

    def _note(self, entry: Entry) -> None:
        """Take in what the bucket holds. What does not belong there is put right soon."""
        self._stored, self._revision = None if entry.deleted else entry.value, entry.revision
        self._due.set()
        if entry.deleted:
            return
        try:
            self._learn(rotations.decode(entry.value))
        except Forbidden as problem:
            _log.error("security.rotation_refused", error=problem.message)

    def _on_reset(self) -> None:
        """The broker has another bucket of this name than before."""
        self._stored, self._revision = None, 0
        self._due.set()
