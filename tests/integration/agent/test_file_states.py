"""What an agent tells about the files it keeps reaches the controllers, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conftest import Connect, Eventually, NatsServer
from tests.integration.agent.conftest import ReadyAgents
from tests.integration.agent.processes import Fleet

from osapi.agent.file_states import FileStatesTeller
from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.contract.files import CONTENT_TYPE, ContentType
from osapi.contract.ids import MachineId
from osapi.domains.file import operations
from osapi.domains.file.models import FileDeploy, FilePath
from osapi.files import record
from osapi.files.states import FileStates
from osapi.host.managed import ManagedFile, ManagedFiles, Source
from osapi.jobs.record import Ending
from osapi.testing.host import FakeHost
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio

MACHINE = MachineId("m0")
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOTE = ManagedFile(
    path="/etc/app.conf",
    sha256="11",
    operation="node.file.deploy",
    job_id="j1",
    recorded=WHEN,
    mode=0o640,
    owner="app",
    source=Source(object_name="app.conf", sha256="11", content_type=ContentType.RAW, vars={"password": "secret"}),
)


GOOD = (
    b'{"machine_id":"m9","hostname":"h","path":"/etc/x","sha256":"1","operation":"o","job_id":"j",'
    b'"deployed_at":"2026-01-02T03:04:05Z","object_name":"x"}'
)


@pytest.fixture
async def states(broker: Broker) -> AsyncIterator[FileStates]:
    await provision(broker, Layout())
    made = FileStates(broker.bucket("file-state"))
    await made.start()
    yield made
    await made.stop()


class Agent:
    """The part of an agent that tells, on the notes of a folder; `end` and a new one is a restart."""

    def __init__(self, broker: Broker, folder: Path, returned: Pulse) -> None:
        self.notes = ManagedFiles(folder / "managed.db")
        nameplate = Nameplate(FakeHost(), "web-01", lambda: None)
        self.teller = FileStatesTeller(broker.bucket("file-state"), self.notes, MACHINE, nameplate, returned)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self.teller.run())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.notes.close()


def known(states: FileStates) -> dict[str, str]:
    return {state.path: state.sha256 for state in states.deployed()}


async def test_each_change_is_told(broker: Broker, states: FileStates, tmp_path: Path, eventually: Eventually) -> None:
    agent = Agent(broker, tmp_path, Pulse())
    agent.begin()
    await agent.notes.put(replace(NOTE, settled=False))
    await agent.notes.put(NOTE)
    await eventually(lambda: known(states) == {NOTE.path: "11"})
    (told,) = states.deployed()
    assert (told.machine_id, told.hostname, told.provider, told.mode, told.owner, told.deployed_at) == (
        MACHINE,
        "web-01",
        "file",
        "0640",
        "app",
        WHEN,
    )
    await agent.notes.put(replace(NOTE, rendered="22"))
    await eventually(lambda: next(states.deployed()).rendered_sha256 == "22")
    await agent.notes.forget(NOTE.path, WHEN)
    await eventually(lambda: known(states) == {})
    entry = await broker.bucket("file-state").get(record.key(MACHINE, NOTE.path))
    assert entry is not None
    assert b"undeployed_at" in entry.value
    assert b"secret" not in entry.value
    await agent.end()


async def test_what_happens_while_the_broker_is_away_is_told_when_it_is_back(
    connect: Connect, states: FileStates, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    returned = Pulse()

    async def on_connected() -> None:
        returned.beat()

    broker = await connect(on_connected=on_connected)
    agent = Agent(broker, tmp_path, returned)
    agent.begin()
    await agent.notes.put(NOTE)
    await eventually(lambda: known(states) == {NOTE.path: "11"})
    nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    for number in range(250):
        await agent.notes.put(replace(NOTE, path=f"/etc/{number}", sha256=str(number)))
    await agent.notes.forget(NOTE.path, WHEN)
    await agent.end()  # and it is restarted before the broker is back
    agent = Agent(broker, tmp_path, returned)
    agent.begin()
    nats_server.start()
    told = {f"/etc/{number}": str(number) for number in range(250)}
    await eventually(lambda: known(states) == told, within_s=30)
    await agent.end()


async def test_a_record_that_cannot_be_read_is_left_out(
    broker: Broker, states: FileStates, eventually: Eventually
) -> None:
    bucket = broker.bucket("file-state")
    await bucket.put("m9.bad", b"{")
    await bucket.put("m9.odd", b'{"machine_id": 7}')
    await bucket.put("m9.text", b"\xff")
    await bucket.put("m9.good", GOOD)
    await eventually(lambda: known(states) == {"/etc/x": "1"})
    await bucket.delete("m9.good")
    await eventually(lambda: known(states) == {})


async def test_an_agent_tells_what_it_deploys(
    fleet: Fleet, ready_agents: ReadyAgents, broker: Broker, tmp_path: Path, eventually: Eventually
) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"port = 80\n"

    store = broker.objects("file-objects")
    await store.put("app.conf", content(), {CONTENT_TYPE: "raw"})
    states = FileStates(broker.bucket("file-state"))
    await states.start()
    (agent,) = await ready_agents()
    place = str(tmp_path / "app.conf")
    request = FileDeploy(object_name="app.conf", path=place, content_type=ContentType.RAW)
    collected = await fleet.run(operations.DEPLOY, request, "m0")
    assert [response.ending for response in collected.responses] == [Ending.COMPLETED]
    await eventually(lambda: place in known(states))
    (told,) = states.deployed()
    assert (told.object_name, told.source_sha256, told.operation) == ("app.conf", told.sha256, "node.file.deploy")
    agent.kill()
    agent.start()
    await fleet.run(operations.UNDEPLOY, FilePath(path=place), "m0")
    await eventually(lambda: known(states) == {})
    await states.stop()
