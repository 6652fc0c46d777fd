"""Small parts for tests of the agent: jobs, a signer, a domain with a few operations, a bucket in memory."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from osapi.agent.keys import Keys
from osapi.contract.errors import Conflict, DeadlineExceeded, MissingTool, OsapiError, Permanent, Unsupported
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Change, Handler, Kind, Later, Operation, handle
from osapi.contract.secret import MASK, Secret
from osapi.jobs import envelope, roster, sealing
from osapi.jobs.record import Actor, Job
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer, Verifier

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ME = MachineId("me")
KEY = PrivateKey(bytes(32))
SIGNER = Signer(KEY)
VERIFIER = Verifier.of(KEY.public_key)
OWN_KEY = PrivateKey(b"\1" * 32)
OWN = Keys(Signer(OWN_KEY), OWN_KEY.public_key.raw, SealingKey(b"\2" * 32))
"""The agent's own."""


def unseal(sealed: bytes) -> bytes:
    return envelope.unseal(VERIFIER, envelope.JOB, sealed)


def opened(signed: bytes, purpose: str) -> bytes:
    """What the agent has signed, which it must have."""
    return envelope.unseal(Verifier.of(OWN_KEY.public_key), purpose, signed)


def open_secrets(job: Job) -> dict[str, str]:
    return sealing.open_for(job, ME, OWN.sealing)


def job(
    operation: str = "thing.read",
    *,
    kind: Kind = Kind.QUERY,
    route: str = "host.me",
    expected: Sequence[str] = ("me",),
    request: object = None,
    issued: datetime = NOW,
    lasts_s: float = 60.0,
    **more: Any,
) -> Job:
    return Job(
        id=JobId(str(uuid.uuid4())),
        operation=operation,
        kind=kind,
        request=msgspec.Raw(msgspec.json.encode({} if request is None else request)),
        target=route,
        route=route,
        expected=b"" if route == "_any" else roster.prefixes(MachineId(each) for each in expected),
        actor=Actor(subject="tester"),
        issued=issued,
        expires=issued + timedelta(seconds=lasts_s),
        **{"deadline_s": 5.0, **more},
    )


def with_key(key: str, operation: str = "thing.read", **more: Any) -> Job:
    """A job with a secret that is sealed to the agent."""
    made = job(operation, request={"key": MASK}, **more)
    secrets = sealing.close(made.id, {"key": Secret(key)}, {ME: OWN.sealing.public}, SIGNER)
    return msgspec.structs.replace(made, secrets=secrets)


def payload_of(job: Job) -> bytes:
    return msgspec.json.encode(job)


def seal(job: Job, signer: Signer = SIGNER, purpose: str = envelope.JOB) -> bytes:
    return envelope.seal(signer, purpose, payload_of(job))


class Clock:
    """The time, which passes when told to."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def pass_s(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeBucket:
    """A bucket in memory. `refuses` makes the next writes fail, one exception each."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.refuses: list[OsapiError] = []
        self.writes = 0
        self.changed = asyncio.Event()

    async def put(self, key: str, value: bytes) -> int:
        self._write(key, value)
        return self.writes

    async def update(self, key: str, value: bytes, last: int) -> int:
        assert last == 0
        if not self.refuses and key in self.entries:
            raise Conflict(f"{key} exists")
        self._write(key, value)
        return self.writes

    def _write(self, key: str, value: bytes) -> None:
        if self.refuses:
            raise self.refuses.pop(0)
        self.writes += 1
        self.entries[key] = value
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for writes until the condition holds."""
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class FakeStream:
    """A stream in memory. `refuses` makes the next messages fail, one exception each."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.refuses: list[OsapiError] = []
        self.changed = asyncio.Event()

    async def append(self, subject: str, payload: bytes, *, timeout_s: float) -> int:
        assert timeout_s
        if self.refuses:
            raise self.refuses.pop(0)
        self.messages.append((subject, payload))
        self.changed.set()
        return len(self.messages)


class ThingRequest(msgspec.Struct):
    """What the operations of `thing` take."""

    count: int = 0
    key: Annotated[Secret, msgspec.Meta(extra_json_schema=Secret.schema())] | None = None


class Thing(msgspec.Struct):
    """What a thing looks like."""

    text: str


class ThingChange(Change):
    """What a change of a thing leaves behind."""

    text: str = ""


def operation(name: str, kind: Kind, result: type[Any], **more: Any) -> Operation[Any, Any]:
    return Operation(
        name=name,
        operation_id=name.replace(".", "_"),
        kind=kind,
        request=ThingRequest,
        result=result,
        permission="thing:read",
        route=("GET", "/thing"),
        command=("thing",),
        summary="Test.",
        **more,
    )


READ = operation("thing.read", Kind.QUERY, Thing)
WRITE = operation("thing.write", Kind.MODIFY, ThingChange)
LOCKED = operation("thing.locked", Kind.MODIFY, ThingChange, lock="thing")
AGAIN = operation("thing.again", Kind.MODIFY, ThingChange, idempotent=True)
RAISE = operation("thing.raise", Kind.QUERY, Thing)
HANG = operation("thing.hang", Kind.MODIFY, ThingChange)
LATER = operation("thing.later", Kind.MODIFY, ThingChange, lock="thing")


@dataclass
class Effects:
    """What the provider did, and what it is told to do next."""

    written: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    """The secrets that it was given."""
    says: bytes = b""
    """What it gives out while it runs."""
    raises: BaseException | None = None
    result: Any = None
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0
    ends_at: datetime = NOW
    asked: int = 0
    """How often it was asked whether the end has come."""


class ThingProvider:
    """Does what `Effects` says."""

    def __init__(self, host: Any, effects: Effects) -> None:
        self.host = host
        self.effects = effects

    async def read(self, request: ThingRequest, /) -> Any:
        self.effects.keys += [request.key.reveal()] if request.key else []
        if self.effects.says:
            self.host.task.live.text("text", self.effects.says)
            spool = self.host.task.keep.spool("text")
            spool.add(self.effects.says)
            await spool.finish(1)
        return self.effects.result or Thing(text=f"read {request.count}")

    async def write(self, _: ThingRequest, /) -> ThingChange:
        self.effects.written.append(self.host.task.job_id)
        return ThingChange(changed=not self.host.task.check_mode, text="written")

    async def raises(self, _: ThingRequest, /) -> Thing:
        assert self.effects.raises is not None
        raise self.effects.raises

    async def hang(self, _: ThingRequest, /) -> ThingChange:
        self.effects.began.set()
        try:
            await self.effects.go_on.wait()
        except asyncio.CancelledError:
            self.effects.cancelled += 1
            raise
        self.effects.written.append(self.host.task.job_id)
        return ThingChange(changed=True)

    async def begin(self, _: ThingRequest, /) -> ThingChange:
        self.effects.written.append(self.host.task.job_id)
        raise Later({"from": "before"}, self.effects.ends_at)

    async def end(self, _: ThingRequest, note: dict[str, Any], /) -> ThingChange:
        self.effects.asked += 1
        if self.effects.raises is not None:
            raise self.effects.raises
        if not self.effects.go_on.is_set():
            raise Later(note, self.effects.ends_at)
        return ThingChange(changed=True, text=note["from"])


HANDLERS: tuple[Handler[Any], ...] = (
    handle(READ, ThingProvider.read),
    handle(WRITE, ThingProvider.write),
    handle(LOCKED, ThingProvider.hang),
    handle(AGAIN, ThingProvider.write),
    handle(RAISE, ThingProvider.raises),
    handle(HANG, ThingProvider.hang),
    handle(LATER, ThingProvider.begin, later=ThingProvider.end),
)


class Domains:
    """One domain, `thing`, implemented for Debian alone."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.read: list[str] = []

    def names(self) -> tuple[str, ...]:
        return ("other", "thing")

    def handlers(self, domain: str) -> tuple[Handler[Any], ...]:
        self.read.append(domain)
        return HANDLERS if domain == "thing" else ()

    def implementation(self, domain: str, families: Sequence[str]) -> Callable[[Any], Any] | None:
        if domain == "thing" and "debian" in families:
            return lambda host: ThingProvider(host, self.effects)
        return None


class FakeHost:
    """As much of a host as the agent itself touches. `files` are those of its state folder."""

    state_dir = "/state"
    trial_dir = "/state/trial"

    def __init__(self, task: Any = None, files: dict[str, bytes] | None = None) -> None:
        self.task = task
        self.files = {} if files is None else files

    def for_task(self, task: Any) -> FakeHost:
        return FakeHost(task, self.files)

    async def read(self, path: str) -> bytes | None:
        return self.files.get(path)


FAILURES: list[tuple[OsapiError, str, str]] = [
    (Permanent("no"), "failed", "failed"),
    (Conflict("taken"), "failed", "conflict"),
    (Unsupported("not here"), "skipped", "unsupported"),
    (MissingTool("no apt"), "skipped", "missing_tool"),
    (DeadlineExceeded("too slow"), "timeout", "timeout"),
    (Permanent("disk full", code="no_space"), "failed", "no_space"),
]
