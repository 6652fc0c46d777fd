"""A process that plays many agents, one connection to the broker each.

Towards the broker a played agent does what a real one does, byte for byte: it holds the same
subscriptions and an open pull on the queue for anybody, is in the registry and repeats that, checks
signature, time and roster of a job, signs its answer and stores it with the same key and header. It has no ledger
and no providers; its work takes no time.

All agents of a process get the same bytes of a broadcast. Their signature is checked once per process and
agent unless `check_once` is set: in a fleet each host does that on a processor of its own.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench import accepting
from bench.children import run_player
from bench.logins import Login, login_from
from bench.wire import Wire, connect, header_lines
from osapi.contract.ids import MachineId
from osapi.fleet import models
from osapi.fleet.models import AgentRecord, Load, Memory, OsInfo
from osapi.jobs import envelope, roster, subjects
from osapi.jobs.record import Ending, Job, Response
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import load_public_key
from osapi.pki.signing import Signer, Verifier

BEAT_S = 10.0
ECHO_PREFIX = "bench."
"""Keeps the bare fan-out apart from the jobs of the product."""
_FIRST_ANSWER = header_lines({"Nats-Expected-Last-Subject-Sequence": "0"})
_AT_ONCE = 50

_decode_job = msgspec.json.Decoder(Job).decode
_encode = msgspec.json.Encoder().encode

Unseal = Callable[[bytes], bytes]


class PlayedAgent:
    """One agent. `unseal` is None for one that only echoes."""

    def __init__(self, wire: Wire, machine: MachineId, labels: dict[str, str], unseal: Unseal | None) -> None:
        self._wire = wire
        self._machine = machine
        self._labels = labels
        self._unseal = unseal
        self._hostname = f"sim-{machine[-6:]}"
        self._key = PrivateKey.generate()
        self._signer = Signer(self._key)
        self._started = datetime.now(UTC)

    def listen(self) -> None:
        """Take the subscriptions of an agent, and ask for work of the queue for anybody."""
        on_job, before = (self._on_job, "") if self._unseal is not None else (self._on_echo, ECHO_PREFIX)
        for subject in subjects.for_agent(self._machine, self._labels):
            self._wire.subscribe(before + subject, on_job)
        for subject in (subjects.cancel(self._machine), subjects.cancel_everywhere()):
            self._wire.subscribe(subject, _ignore)
        self._wire.listen_for_answers()
        self._wire.subscribe(f"{self._wire.inbox}.pull.*", _ignore)

    def pull(self, stream: str, durable: str) -> None:
        """Leave a request for a job of the shared queue, as long as an agent does."""
        question = _encode({"batch": 1, "expires": 30_000_000_000})
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._wire.publish(subject, question, reply=f"{self._wire.inbox}.pull.1")

    def beat(self) -> asyncio.Future[bytes]:
        """Write the record into the registry; done when the broker has stored it."""
        record = AgentRecord(
            machine_id=self._machine, hostname=self._hostname, labels=self._labels, version="bench",
            signing_key=self._key.public_key.raw, sealing_key=bytes([9] + [0] * 31),
            registered_at=self._started, started_at=self._started, heartbeat_at=datetime.now(UTC), uptime_s=100,
            os_info=OsInfo("Debian GNU/Linux", "12"), load=Load(0.1, 0.1, 0.1), memory=Memory(1 << 30, 1 << 29, 1 << 29),
            architecture="x86_64", kernel_version="6.1.0", cpu_count=2,
        )  # fmt: skip
        signed = envelope.seal(self._signer, envelope.HEARTBEAT, _encode(record))
        return self._wire.request(f"$KV.agent-registry.{models.key(self._machine)}", signed)

    def accept(self, controller: Signer) -> asyncio.Future[bytes]:
        """Be known by our key, as if an operator had accepted it; done when the broker has stored it."""
        name, value = accepting.entry(controller, self._machine, self._key.public_key)
        return self._wire.request(f"$KV.agent-enrollment.{name}", value)

    def _on_echo(self, _subject: bytes, reply: bytes, _headers: bytes, data: bytes) -> None:
        self._wire.publish(reply.decode(), data[:200])

    def _on_job(self, _subject: bytes, _reply: bytes, _headers: bytes, data: bytes) -> None:
        assert self._unseal is not None
        received = datetime.now(UTC)
        job = _decode_job(self._unseal(data))
        if received >= job.expires or not roster.contains(job.expected, self._machine):
            return
        response = Response(
            job_id=job.id, machine_id=self._machine, hostname=self._hostname, ending=Ending.COMPLETED,
            data=msgspec.Raw(_encode({"hostname": self._hostname, "labels": self._labels})),
            received=received, started=received, finished=datetime.now(UTC),
        )  # fmt: skip
        subject = f"$KV.job-responses.{subjects.response_key(job.id, self._machine)}"
        signed = envelope.seal(self._signer, envelope.RESULT, _encode(response))
        self._wire.request(subject, signed, headers=_FIRST_ANSWER)


def _ignore(_subject: bytes, _reply: bytes, _headers: bytes, _data: bytes) -> None:
    return


def machine_of(number: int) -> MachineId:
    """The machine id of the played agent of that number."""
    return MachineId(f"{number:032x}")


@asynccontextmanager
async def play(arguments: dict[str, Any]) -> AsyncIterator[None]:
    """Play the agents `first` to `first + count - 1`; see `bench.children`.

    `mode` is `echo` (answer on the reply subject), `job` (be an agent) or `join` (be there, and silent).
    `small` of them carry the label `size: small`, all of them `group: bench.all`.
    """
    login = login_from(arguments["login"])
    agents = await _all_connected(login, arguments)
    beating = None
    if arguments["mode"] != "echo":
        for agent in agents:
            agent.pull("JOBS", "any")
        controller = accepting.controller(arguments["public_key"])
        await asyncio.gather(*(agent.accept(controller) for agent in agents))
        await asyncio.gather(*(agent.beat() for agent in agents))
        beating = asyncio.create_task(_beat(agents))
    yield
    if beating is not None:
        beating.cancel()


async def _all_connected(login: Login, arguments: dict[str, Any]) -> list[PlayedAgent]:
    unseal = _unseal(arguments) if arguments["mode"] != "echo" else None
    numbers = range(arguments["first"], arguments["first"] + arguments["count"])
    agents: list[PlayedAgent] = []
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        wires = await asyncio.gather(*(connect(login, machine_of(number)) for number in part))
        for number, wire in zip(part, wires, strict=True):
            labels = {"group": "bench.all"} | ({"size": "small"} if number < arguments["small"] else {})
            agent = PlayedAgent(wire, machine_of(number), labels, unseal)
            agent.listen()
            agents.append(agent)
        await asyncio.gather(*(wire.flush() for wire in wires))
    return agents


def _unseal(arguments: dict[str, Any]) -> Unseal:
    verifier = Verifier.of(load_public_key(Path(arguments["public_key"])))

    def unseal(sealed: bytes) -> bytes:
        return envelope.unseal(verifier, envelope.JOB, sealed)

    return functools.lru_cache(maxsize=16)(unseal) if arguments["check_once"] else unseal


async def _beat(agents: list[PlayedAgent]) -> None:
    """Keep the registry fresh, spread evenly over the interval as the beats of a fleet are."""
    while True:
        for agent in agents:
            begin = time.monotonic()
            await agent.beat()
            await asyncio.sleep(max(0.0, BEAT_S / len(agents) - (time.monotonic() - begin)))


if __name__ == "__main__":
    run_player(play)
