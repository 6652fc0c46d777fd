"""Hello, heartbeat, acknowledgement, host name: what an agent says unasked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import cast

import msgspec
import pytest
from tests.unit.agent.kit import ME, NOW, OWN, Clock, FakeBucket, opened

from osapi.agent.greeting import Greeting
from osapi.agent.nameplate import Nameplate
from osapi.agent.progress import Progress
from osapi.agent.skew import Skew
from osapi.contract.errors import NoAnswer, OsapiError, Permanent, Unavailable
from osapi.contract.ids import JobId
from osapi.fleet import models
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import AgentRecord
from osapi.host.door import Host
from osapi.jobs import envelope
from osapi.jobs.record import Event, Hello, Welcome
from osapi.transport.broker import Broker
from osapi.transport.bucket import Bucket

pytestmark = pytest.mark.anyio


# -- hello -------------------------------------------------------------------------------------


class Controller:
    """Answers hello with what it was given: a welcome, or an exception."""

    def __init__(self, *answers: bytes | OsapiError) -> None:
        self.answers = list(answers)
        self.heard: list[Hello] = []
        self.answered = asyncio.Event()

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> object:
        assert subject == "hello.me"
        assert timeout_s > 0
        self.heard.append(msgspec.json.decode(payload, type=Hello))
        answer = self.answers.pop(0)
        if isinstance(answer, OsapiError):
            raise answer
        if not self.answers:
            self.answered.set()
        return type("Message", (), {"data": answer})


WELCOME = msgspec.json.encode(Welcome(resent=0, now=NOW))


obeyed: list[bytes] = []


async def obey(sealed: bytes) -> None:
    obeyed.append(sealed)


async def greet(controller: Controller, wanted: asyncio.Event) -> None:
    greeting = Greeting(ME, lambda: (JobId("held"),), Clock(), wanted, obey, Skew(), random=lambda: 0.0)
    running = asyncio.ensure_future(greeting.run(cast("Broker", controller)))
    async with asyncio.timeout(5):
        await controller.answered.wait()
    running.cancel()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osapi.agent.greeting._FIRST_WAIT_S", 0.001)


async def test_hello_names_the_jobs_in_hand() -> None:
    wanted, controller = asyncio.Event(), Controller(WELCOME)
    wanted.set()
    await greet(controller, wanted)
    assert controller.heard == [Hello(machine_id=ME, holding=(JobId("held"),))]


async def test_many_wishes_make_one_hello() -> None:
    wanted, controller = asyncio.Event(), Controller(WELCOME)
    for _ in range(10):
        wanted.set()
    await greet(controller, wanted)
    assert len(controller.heard) == 1


@pytest.mark.usefixtures("quick")
async def test_hello_is_said_until_somebody_answers_sense() -> None:
    silence: list[bytes | OsapiError] = [
        NoAnswer("nobody"),
        Unavailable("away"),
        b"noise",
        b'{"resent":"\xff"}',
        WELCOME,
    ]
    wanted, controller = asyncio.Event(), Controller(*silence)
    wanted.set()
    await greet(controller, wanted)
    assert len(controller.heard) == len(silence)


async def test_a_reconnect_cuts_the_wait_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osapi.agent.greeting._FIRST_WAIT_S", 3600)
    wanted, controller = asyncio.Event(), Controller(NoAnswer("nobody"), WELCOME)
    wanted.set()
    asyncio.get_running_loop().call_later(0.02, wanted.set)
    await greet(controller, wanted)
    assert len(controller.heard) == 2


async def test_a_clock_that_is_wrong_is_told(caplog: pytest.LogCaptureFixture) -> None:
    wanted = asyncio.Event()
    wanted.set()
    await greet(Controller(msgspec.json.encode(Welcome(resent=0, now=NOW - timedelta(hours=2)))), wanted)
    assert "clock.skew" in caplog.text


# -- heartbeat ---------------------------------------------------------------------------------


async def entry() -> tuple[str, AgentRecord]:
    return models.key(ME), await describe()


async def describe() -> AgentRecord:
    return AgentRecord(machine_id=ME, hostname="here", version="1", registered_at=NOW, started_at=NOW, heartbeat_at=NOW)


async def beating(bucket: FakeBucket, interval_s: float, wanted: asyncio.Event, beats: int) -> None:
    heartbeat = Heartbeat(cast("Bucket", bucket), entry, timedelta(seconds=interval_s), wanted, OWN.signer)
    running = asyncio.ensure_future(heartbeat.run())
    await bucket.until(lambda: bucket.writes >= beats)
    running.cancel()


async def test_an_agent_beats_at_once_and_every_interval() -> None:
    bucket = FakeBucket()
    await beating(bucket, 0.005, asyncio.Event(), 3)
    assert set(bucket.entries) == {models.key(ME)}
    signed = opened(bucket.entries["agents.me"], envelope.HEARTBEAT)
    assert msgspec.json.decode(signed, type=AgentRecord) == await describe()


async def test_a_program_without_a_key_signs_nothing() -> None:
    bucket = FakeBucket()
    await Heartbeat(cast("Bucket", bucket), entry, timedelta(seconds=1), asyncio.Event()).register()
    assert msgspec.json.decode(bucket.entries["agents.me"], type=AgentRecord) == await describe()


async def test_a_beat_that_is_wanted_comes_before_the_interval_is_over() -> None:
    bucket, wanted = FakeBucket(), asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, wanted.set)
    await beating(bucket, 3600, wanted, 2)


async def test_a_beat_that_the_broker_does_not_take_is_repeated_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osapi.fleet.heartbeat._RETRY_S", 0.001)
    bucket = FakeBucket()
    bucket.refuses = [Unavailable("no bucket yet")] * 3
    await beating(bucket, 3600, asyncio.Event(), 1)


# -- acknowledgement ---------------------------------------------------------------------------

Told = list[tuple[Event, datetime]]
LATER = NOW + timedelta(seconds=1)


async def test_a_job_that_ends_soon_says_nothing() -> None:
    told: Told = []
    progress = Progress(lambda *event: told.append(event), NOW, quiet_s=0.005)
    progress.began(LATER)
    progress.close()
    progress.close()
    await asyncio.sleep(0.01)
    assert told == []


async def test_a_job_that_takes_long_is_acknowledged_and_its_start_told() -> None:
    told: Told = []
    progress = Progress(lambda *event: told.append(event), NOW, quiet_s=0)
    await asyncio.sleep(0.001)
    assert told == [(Event.ACKNOWLEDGED, NOW)]
    progress.began(LATER)
    assert told == [(Event.ACKNOWLEDGED, NOW), (Event.STARTED, LATER)]
    progress.close()


async def test_who_asks_is_told_at_once_and_with_the_same_times() -> None:
    told: Told = []
    progress = Progress(lambda *event: told.append(event), NOW, quiet_s=3600)
    progress.began(LATER)
    progress.tell()
    progress.tell()
    assert told == [(Event.ACKNOWLEDGED, NOW), (Event.STARTED, LATER)] * 2
    progress.close()


# -- host name ---------------------------------------------------------------------------------


class NamedHost:
    """A host whose name is set by the test; None cannot be read."""

    def __init__(self) -> None:
        self.hostname: str | None = "old"

    async def names(self) -> object:
        if self.hostname is None:
            raise Permanent("unreadable")
        return type("Names", (), {"hostname": self.hostname})


async def test_a_new_name_is_noticed_once() -> None:
    changes: list[None] = []
    host = NamedHost()
    nameplate = Nameplate(cast("Host", host), "old", lambda: changes.append(None))
    assert await nameplate.read() == "old"
    host.hostname = "new"
    assert await nameplate.read() == "new"
    assert await nameplate.read() == "new"
    assert changes == [None]


async def test_a_name_that_cannot_be_read_stays_what_it_was() -> None:
    host = NamedHost()
    nameplate = Nameplate(cast("Host", host), "old", lambda: None)
    host.hostname = None
    assert await nameplate.read() == "old"
