"""An agent does everything it has to with the broker rights it gets, and asks for no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import NatsServer
from tests.integration.agent.conftest import MakeAgent, ReadyAgents
from tests.integration.agent.processes import SHELL, Fleet, until
from tests.limited import PASSWORD, USER, as_agent, limited

from osapi.contract.errors import Unavailable
from osapi.domains.command.models import ShellRequest
from osapi.jobs import subjects
from osapi.jobs.record import Actor, Ending
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    yield from limited(tmp_path)


async def test_an_agent_needs_no_more_than_its_rights(
    fleet: Fleet, make_agent: MakeAgent, nats_server: NatsServer
) -> None:
    auth = {"type": "user_pass", "username": USER, "password": PASSWORD}
    agent = make_agent(labels={"group": "web"}, nats={**nats_server.settings, "auth": auth})
    agent.start()
    await fleet.ready(1)
    for target in ("m0", "_all", "group:web", "_any"):
        assert await fleet.hostname(target) == ["name-m0"]
    running = await fleet.change("_any", after="sleep 60")
    await until(lambda: fleet.runs(running.job_id) == 1)
    await until(lambda: any(note.started for e in fleet.service.index.unfinished() for note in e.notes.values()))
    await fleet.service.dispatcher.cancel(running.job_id, Actor(subject="tester"))
    assert (await fleet.answer(running.job_id, "m0")).ending is Ending.CANCELLED
    noisy = ShellRequest(command="for i in 1 2 3; do echo $i; sleep 0.2; done", keep_output=True)
    collected = await fleet.run(SHELL, noisy, "m0")
    assert (collected.responses[0].outputs > 0, [one.error for one in collected.responses[0].kept]) == (True, ["", ""])
    unfinished = ShellRequest(command="head -c 3000000 /dev/zero; sleep 60", keep_output=True)
    ticket = await fleet.submit(SHELL, unfinished, "m0")
    await until(lambda: (entry := fleet.service.index.get(ticket.job_id)) is not None and entry.touched)
    await fleet.service.dispatcher.cancel(ticket.job_id, Actor(subject="tester"))
    await fleet.answer(ticket.job_id, "m0")
    agent.kill()
    missed = await fleet.change("m0")
    agent.start()
    assert (await fleet.answer(missed.job_id, "m0")).ending is Ending.COMPLETED
    assert agent.stop() == 0
    assert "Violation" not in nats_server.log
    assert "hello.answered" in agent.log


async def test_an_agent_may_look_whether_a_claim_is_its_own_and_read_nothing_else(
    fleet: Fleet, ready_agents: ReadyAgents, nats_server: NatsServer
) -> None:
    await ready_agents()
    taken = await fleet.change("_any")
    await fleet.answer(taken.job_id, "m0")
    connection = await Broker.connect(as_agent(nats_server), name="as an agent")
    queue = connection.bucket("job-queue")
    claim = await queue.get(subjects.claim_key(taken.job_id))
    assert claim is not None
    assert b'"m0"' in claim.value
    with pytest.raises(Unavailable):
        async with asyncio.timeout(10):
            await queue.get(subjects.record_key(taken.job_id))
    assert "Publish Violation" in nats_server.log
    await connection.close()
