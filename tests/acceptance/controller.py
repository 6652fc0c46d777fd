"""A controller of the tests' own, that sends signed jobs which no API has checked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from osapi.contract import masking
from osapi.contract import target as targets
from osapi.contract.ids import MachineId
from osapi.contract.operation import Operation
from osapi.fleet.keys import KeyBook
from osapi.fleet.registry import Registry
from osapi.jobs.dispatcher import Submission
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.record import Actor, Response
from osapi.jobs.service import JobNames, JobService
from osapi.pki.keys import load_or_create_keypair
from osapi.pki.signing import Signer, Verifier
from osapi.transport.address import Address
from osapi.transport.broker import Broker


@dataclass(frozen=True)
class Unchecked:
    """Sends one host whatever it is given."""

    service: JobService
    machine: MachineId

    async def run(self, operation: Operation[Any, Any], request: Any, wait_s: float = 60.0) -> Response:
        """The host's answer to a job with this request, which is signed as it is."""
        submission = Submission(
            operation=operation,
            request=_as_struct(operation, request),
            target=targets.parse(self.machine),
            machine=self.machine,
            hosts={self.machine: self.machine},
            actor=Actor(subject="attacker"),
        )
        dispatcher = self.service.dispatcher
        collected = await dispatcher.wait(await dispatcher.submit(submission), wait_s)
        (answer,) = collected.responses
        return answer


@asynccontextmanager
async def unchecked(data: Path, address: Address, machine: str) -> AsyncIterator[Unchecked]:
    """A controller with the keys of the one in `data`."""
    broker = await Broker.connect(address, name="attacker")
    key = load_or_create_keypair(data / "pki", "controller")
    quarantine = Quarantine(time.time)
    agents = Registry(broker.bucket("agent-registry"), KeyBook(broker.bucket("agent-enrollment")), quarantine)
    service = JobService(
        broker,
        Signer(key),
        Verifier.of(key.public_key),
        agents,
        quarantine,
        names=JobNames(),
        expiry=timedelta(minutes=5),
        retention=None,
        clock=time.time,
    )
    await agents.start()
    await service.start()
    try:
        yield Unchecked(service, MachineId(machine))
    finally:
        await service.stop()
        await agents.stop()
        await broker.close()


def _as_struct(operation: Operation[Any, Any], request: dict[str, Any]) -> msgspec.Struct:
    """The request as no model has checked it, unless it holds secrets, which only their model can tell."""
    if masking.holds(operation.request):
        return msgspec.convert(request, operation.request, dec_hook=masking.read)
    names = {f"field_{number}": name for number, name in enumerate(request)}
    return msgspec.defstruct("Unchecked", [(name, Any) for name in names], rename=names)(*request.values())
