"""A job service on a real broker, and three puppets that listen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.integration.jobs.puppets import Agents, Clock, MakeService, Puppet

from osapi.jobs.quarantine import Quarantine
from osapi.jobs.service import JobNames, JobService
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.provision import provision


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate()


@pytest.fixture
def verifier(key: PrivateKey) -> Verifier:
    return Verifier.of(key.public_key)


@pytest.fixture
def agents() -> Agents:
    """The keys of the puppets, as a fleet would know them."""
    return Agents()


@pytest.fixture
def quarantine(clock: Clock) -> Quarantine:
    return Quarantine(clock)


@pytest.fixture
async def make_service(
    key: PrivateKey, verifier: Verifier, agents: Agents, quarantine: Quarantine, clock: Clock
) -> AsyncIterator[MakeService]:
    """Start job services as several controllers would."""
    started: list[JobService] = []

    async def make(broker: Broker) -> JobService:
        service = JobService(
            broker,
            Signer(key),
            verifier,
            agents,
            quarantine,
            names=JobNames(),
            expiry=timedelta(seconds=20),
            retention=None,
            clock=clock,
        )
        await service.start()
        started.append(service)
        return service

    yield make
    for service in started:
        await service.stop()


@pytest.fixture
async def service(broker: Broker, make_service: MakeService) -> JobService:
    """One controller's job service."""
    await provision(broker, Layout())
    return await make_service(broker)


@pytest.fixture
async def puppets(broker: Broker, service: JobService, verifier: Verifier, agents: Agents) -> list[Puppet]:
    """Three agents that listen."""
    made = [Puppet(broker, f"m{number}", verifier) for number in range(3)]
    for puppet in made:
        agents.know(puppet)
    for puppet in made:
        await puppet.listen()
    return made
