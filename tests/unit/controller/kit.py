"""The application with everything behind it played by the test, and a client that needs no network."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.types import ASGIApp

from osapi.auth import roles, tokens
from osapi.auth.keyring import KeyRing
from osapi.auth.revocation import Revocations
from osapi.auth.verifier import TokenVerifier
from osapi.config.controller import Role
from osapi.contract.endpoint import Routes, ServerEvent
from osapi.contract.facts import HostFacts
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Operation
from osapi.contract.target import Target
from osapi.controller import asgi
from osapi.controller.authenticate import Authenticator
from osapi.controller.health import Check
from osapi.controller.node import NodeServices
from osapi.domains import discovery
from osapi.fleet import resolution
from osapi.fleet.models import AgentRecord
from osapi.fleet.resolution import Reach, Resolution
from osapi.jobs.dispatcher import Collected, Submission, Ticket
from osapi.jobs.record import Actor, Ending, Response

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECONDS = NOW.timestamp()
RING = KeyRing("k", {"k": b"k" * 32})
JOB = JobId("9f1c7bd0-1111-4222-8333-123456789abc")
OPERATIONS = {operation.name: operation for operation in discovery.operations()}
BODY_LIMIT = 4096


def response(machine: str, data: Any = None, ending: Ending = Ending.COMPLETED, **more: Any) -> Response:
    """What a host answers."""
    return Response(
        job_id=JOB,
        machine_id=MachineId(machine),
        hostname=f"host-{machine}",
        ending=ending,
        data=msgspec.Raw(msgspec.json.encode(data)),
        received=NOW,
        finished=NOW,
        **more,
    )


@dataclass
class PlayedJobs:
    """Accepts every job and gives the answers it was told to give. A failure is raised instead."""

    answers: list[Response] = field(default_factory=list[Response])
    submitted: list[Submission] = field(default_factory=list[Submission])
    waited_s: list[float] = field(default_factory=list[float])
    refuses: Exception | None = None
    breaks: BaseException | None = None
    happens: asyncio.Queue[ServerEvent] = field(default_factory=asyncio.Queue[ServerEvent])
    """The events of the job; `done` is the last."""
    listeners: int = 0
    cancelled: list[JobId] = field(default_factory=list[JobId])

    async def events(self, job: JobId, /) -> AsyncGenerator[ServerEvent, None]:
        assert job == JOB
        self.listeners += 1
        try:
            while True:
                event = await self.happens.get()
                yield event
                if event.event == "done":
                    return
        finally:
            self.listeners -= 1

    async def cancel(self, job: JobId, actor: Actor, /) -> None:
        assert actor.subject == "anna"
        self.cancelled.append(job)

    async def submit(self, submission: Submission, /) -> Ticket:
        if self.refuses is not None:
            raise self.refuses
        self.submitted.append(submission)
        return Ticket(JOB, 1)

    async def wait(self, ticket: Ticket, timeout_s: float, /) -> Collected:
        self.waited_s.append(timeout_s)
        if self.breaks is not None:
            raise self.breaks
        hosts = self.submitted[-1].hosts
        answered = {answer.machine_id for answer in self.answers}
        silent = {machine: name for machine, name in hosts.items() if machine not in answered}
        return Collected(ticket.job_id, self.answers, silent, is_any=not hosts)


@dataclass
class PlayedFleet:
    """Hosts `host-<machine>` with labels, all ready. Targets are resolved as in earnest."""

    hosts: Mapping[str, dict[str, str]] = field(default_factory=lambda: {"a": {"group": "web"}, "b": {"group": "db"}})

    def machines(self) -> Mapping[MachineId, AgentRecord]:
        return {
            MachineId(machine): AgentRecord(
                machine_id=MachineId(machine),
                hostname=f"host-{machine}",
                labels=labels,
                version="1",
                registered_at=NOW,
                started_at=NOW,
                heartbeat_at=NOW,
            )
            for machine, labels in self.hosts.items()
        }

    def named(self, hostname: str) -> frozenset[MachineId]:
        return frozenset(machine for machine, record in self.machines().items() if record.hostname == hostname)

    def is_ready(self, machine: MachineId) -> bool:
        return machine in self.hosts

    def facts(self, machine: MachineId) -> HostFacts | None:
        return HostFacts(machine_id=machine, hostname=f"host-{machine}", facts={"group": self.hosts[machine]["group"]})

    def resolve(self, target: Target, reach: Reach | None = None, /, *, with_secrets: bool = False) -> Resolution:
        return resolution.resolve(target, self, reach, random.choice, with_secrets=with_secrets)


@dataclass
class Stage:
    """The application and what is played behind it."""

    app: ASGIApp
    jobs: PlayedJobs
    fleet: PlayedFleet
    revoked: Revocations
    stopping: asyncio.Event

    async def call(self, method: str, path: str, body: bytes | list[bytes] = b"", **headers: str) -> Answer:
        """Send one request; `path` may have a query. Header names are written with underscores."""
        return await call(self.app, method, path, body, **headers)


def stage(
    *,
    operations: Mapping[str, Operation[Any, Any]] = OPERATIONS,
    slices: Routes = (),  # type: ignore[assignment] # nothing is added to it
    checks: Iterable[Check] = (),
    custom: Mapping[str, Role] | None = None,
    origins: Iterable[str] = (),
    body_limit: int = BODY_LIMIT,
) -> Stage:
    """Put the application together."""
    jobs, fleet, revoked, stopping = PlayedJobs(), PlayedFleet(), Revocations(), asyncio.Event()
    services = NodeServices(jobs=jobs, fleet=fleet, wait_s=30.0, body_limit=body_limit)
    verifier = TokenVerifier(RING, roles.from_settings(custom or {}), revoked)
    app = asgi.application(
        asgi.routes(operations, services, list(slices), list(checks)),
        Authenticator(verifier, lambda: SECONDS),
        stopping,
        list(origins),
    )
    return Stage(app, jobs, fleet, revoked, stopping)


def bearer(*names: str, permissions: Iterable[str] = (), age: timedelta = timedelta(0)) -> str:
    """An Authorization header for a token with these roles."""
    token = tokens.issue(RING, "anna", names, permissions, timedelta(hours=1), NOW - age)
    return f"Bearer {token}"


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Wire:
    """Both ends of one ASGI call: what the client sends, and what comes back."""

    def __init__(self, method: str, path: str, body: bytes | list[bytes], headers: Mapping[str, str]) -> None:
        raw, _, query = path.partition("?")
        lines = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
        if isinstance(body, bytes) and body:
            lines.append((b"content-length", str(len(body)).encode()))
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": lines,
        }
        self._chunks = [body] if isinstance(body, bytes) else list(body)
        self.taken = 0
        """How many chunks of the body the application has asked for."""
        self.gone = asyncio.Event()
        self.messages: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        if self.taken < len(self._chunks):
            self.taken += 1
            more = self.taken < len(self._chunks)
            return {"type": "http.request", "body": self._chunks[self.taken - 1], "more_body": more}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.messages.put_nowait(dict(message))


async def call(app: ASGIApp, method: str, path: str, body: bytes | list[bytes] = b"", **headers: str) -> Answer:
    """Send one request and return the whole answer."""
    wire = Wire(method, path, body, headers)
    await app(wire.scope, wire.receive, wire.send)
    return await answer_of(wire)


async def answer_of(wire: Wire) -> Answer:
    """The answer that has been sent in full."""
    start = wire.messages.get_nowait()
    content = b""
    while not wire.messages.empty():
        content += wire.messages.get_nowait().get("body", b"")
    lines = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(lines) == len(start["headers"]), "no header is sent twice"
    return Answer(start["status"], lines, content)


async def texts(wire: Wire) -> AsyncIterator[str]:
    """What a stream sends, block by block, from the first one on."""
    while True:
        async with asyncio.timeout(5):
            message = await wire.messages.get()
        if message["type"] == "http.response.start":
            assert message["status"] == 200
            continue
        if message.get("body"):
            yield message["body"].decode()
        if not message.get("more_body"):
            return
