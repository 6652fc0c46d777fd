"""A broker, a controller's job service and registry, and agents as processes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NatsServer
from tests.integration.agent.processes import AgentProcess, Fleet

from osapi.contract.ids import MachineId
from osapi.fleet.keys import KeyBook
from osapi.fleet.registry import Registry
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.service import JobNames, JobService
from osapi.pki.keys import load_or_create_keypair
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker
from osapi.transport.layout import Bucket, Durable, Layout
from osapi.transport.provision import provision

MakeAgent = Callable[..., AgentProcess]
ReadyAgents = Callable[..., Awaitable[list[AgentProcess]]]
EXPIRY = timedelta(seconds=20)
ACK_WAIT = timedelta(seconds=2)
"""Short, so that the tests that wait for it to pass do not take long."""

LAYOUT = Layout(
    buckets=tuple(Bucket(name=each.name) for each in Layout().buckets),
    durables=(Durable(name="any", stream="JOBS", filters=("jobs.query._any", "jobs.modify._any"), ack_wait=ACK_WAIT),),
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The controller's key pair; agents read the public half."""
    folder = tmp_path / "pki"
    load_or_create_keypair(folder, "controller")
    return folder


@pytest.fixture
def agents() -> Iterator[list[AgentProcess]]:
    made: list[AgentProcess] = []
    yield made
    for agent in made:
        agent.end()


@pytest.fixture
def make_agent(tmp_path: Path, nats_server: NatsServer, keys: Path, agents: list[AgentProcess]) -> MakeAgent:
    """Make an agent, not yet started. Names are `m0`, `m1`, … unless given."""

    def make(machine: str = "", **settings: Any) -> AgentProcess:
        machine = machine or f"m{len(agents)}"
        folder = tmp_path / f"agent-{len(agents)}"
        agent = AgentProcess(MachineId(machine), folder, nats_server.settings, keys, settings)
        agents.append(agent)
        return agent

    return make


@pytest.fixture
async def fleet(broker: Broker, keys: Path, agents: list[AgentProcess], tmp_path: Path) -> AsyncIterator[Fleet]:
    """A controller without REST API, and no agent yet."""
    await provision(broker, LAYOUT)
    key = load_or_create_keypair(keys, "controller")
    quarantine = Quarantine(time.time)
    book = KeyBook(broker.bucket("agent-enrollment"))
    registry = Registry(broker.bucket("agent-registry"), book, quarantine, ttl=timedelta(seconds=5))
    service = JobService(
        broker,
        Signer(key),
        Verifier.of(key.public_key),
        registry,
        quarantine,
        names=JobNames(),
        expiry=EXPIRY,
        retention=None,
        clock=time.time,
    )
    await registry.start()
    await service.start()
    yield Fleet(broker, service, registry, quarantine, agents, tmp_path / "effects")
    await registry.stop()
    await service.stop()


@pytest.fixture
def ready_agents(fleet: Fleet, make_agent: MakeAgent) -> ReadyAgents:
    """Make so many agents, one unless told, and start them; they are ready then."""

    async def start(count: int = 1) -> list[AgentProcess]:
        made = [make_agent() for _ in range(count)]
        for agent in made:
            agent.start()
        await fleet.ready(count)
        return made

    return start
