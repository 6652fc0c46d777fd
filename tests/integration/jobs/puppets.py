"""Puppets: agents whose every step the test decides, and what they are asked to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind, Nothing, Operation
from osapi.contract.target import AllTarget, AnyTarget, HostTarget, Target
from osapi.jobs import envelope, subjects
from osapi.jobs.dispatcher import Submission
from osapi.jobs.record import Actor, Ending, Event, Hello, Job, Response, StatusEvent, Welcome
from osapi.jobs.service import JobService
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker, Message

MakeService = Callable[[Broker], Awaitable[JobService]]

READ = Operation(
    name="test.thing.get",
    operation_id="GetThing",
    kind=Kind.QUERY,
    request=Nothing,
    result=Nothing,
    permission="node:read",
    route=("GET", "/thing"),
    command=("node", "thing"),
    summary="Read a thing.",
    deadline=timedelta(seconds=5),
)
CHANGE = Operation(
    name="test.thing.update",
    operation_id="PutThing",
    kind=Kind.MODIFY,
    request=Nothing,
    result=Nothing,
    permission="node:write",
    route=("PUT", "/thing"),
    command=("node", "thing", "update"),
    summary="Change a thing.",
    deadline=timedelta(seconds=5),
)


class Agents:
    """Offers `jobs.trust.AgentKeys`."""

    def __init__(self) -> None:
        self._known: dict[MachineId, Puppet] = {}

    def know(self, puppet: Puppet) -> None:
        self._known[puppet.machine] = puppet

    def verifier(self, machine: MachineId) -> Verifier | None:
        puppet = self._known.get(machine)
        return None if puppet is None else Verifier.of(puppet.key.public_key)

    def sealing_keys(self, hosts: Mapping[MachineId, str]) -> dict[MachineId, bytes]:
        return {machine: self._known[machine].sealing.public for machine in hosts}


class Puppet:
    """Hears jobs as an agent does, and answers when it is told to."""

    def __init__(self, broker: Broker, machine: str, verifier: Verifier) -> None:
        self.machine = MachineId(machine)
        self.heard: asyncio.Queue[Job] = asyncio.Queue()
        self.cancelled: asyncio.Queue[bytes] = asyncio.Queue()
        self.key = PrivateKey.generate()
        self.sealing = SealingKey.generate()
        self._broker = broker
        self._verifier = verifier

    async def listen(self) -> None:
        for subject in subjects.for_agent(self.machine, {}):
            await self._broker.subscribe(subject, self._on_job)
        await self._broker.subscribe(subjects.cancel(self.machine), self._on_cancel)
        await self._broker.flush()

    async def hello(self, *holding: JobId) -> Welcome:
        text = msgspec.json.encode(Hello(machine_id=self.machine, holding=holding))
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def hear(message: Message) -> None:
            answered.set_result(message.data)

        mine = f"{subjects.inbox(self.machine)}.1"
        listening = await self._broker.subscribe(mine, hear)
        await self._broker.publish(subjects.hello(self.machine), text, reply=mine)
        async with asyncio.timeout(5):
            welcome = msgspec.json.decode(await answered, type=Welcome)
        await listening.unsubscribe()
        return welcome

    async def next_job(self) -> Job:
        async with asyncio.timeout(10):
            return await self.heard.get()

    async def answer(self, job: JobId, ending: Ending = Ending.COMPLETED, *, changed: bool | None = None) -> None:
        await self.store(subjects.response_key(job, self.machine), self.signed(self.response(job, ending, changed)))

    async def store(self, key: str, value: bytes) -> None:
        """Write an answer, whatever is there."""
        await self._broker.bucket("job-responses").put(key, value)

    def signed(self, response: Response) -> bytes:
        return envelope.seal(Signer(self.key), envelope.RESULT, msgspec.json.encode(response))

    def response(self, job: JobId, ending: Ending = Ending.COMPLETED, changed: bool | None = None) -> Response:
        now = datetime.now(UTC)
        return Response(
            job_id=job,
            machine_id=self.machine,
            hostname=f"name-{self.machine}",
            ending=ending,
            data=msgspec.Raw(b'{"answer":42}'),
            changed=changed,
            error=None if ending is Ending.COMPLETED else "it did not work",
            received=now,
            started=now,
            finished=now,
        )

    async def note(self, job: JobId, event: Event) -> None:
        noted = StatusEvent(
            job_id=job, event=event, machine_id=self.machine, hostname=self.machine, timestamp=datetime.now(UTC)
        )
        key = subjects.event_key(job, event.value, self.machine, time.time_ns())
        await self._broker.bucket("job-queue").put(key, msgspec.json.encode(noted))

    async def _on_job(self, message: Message) -> None:
        payload = envelope.unseal(self._verifier, envelope.JOB, message.data)
        await self.heard.put(msgspec.json.decode(payload, type=Job))

    async def _on_cancel(self, message: Message) -> None:
        await self.cancelled.put(envelope.unseal(self._verifier, envelope.CANCEL, message.data))


class Clock:
    """Real time, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def submission(
    *machines: str,
    target: Target | None = None,
    operation: Operation[Nothing, Nothing] = READ,
    key: str | None = None,
    dry_run: bool = False,
) -> Submission:
    """A submission to these machines: none means `_any`, one a host, several `_all`."""
    chosen: Target = AnyTarget() if not machines else HostTarget(machines[0]) if len(machines) == 1 else AllTarget()
    return Submission(
        operation=operation,
        request=Nothing(),
        target=target or chosen,
        machine=MachineId(machines[0]) if len(machines) == 1 else None,
        hosts={MachineId(machine): f"name-{machine}" for machine in machines},
        actor=Actor(subject="eve", roles=("admin",)),
        idempotency_key=key,
        dry_run=dry_run,
    )
