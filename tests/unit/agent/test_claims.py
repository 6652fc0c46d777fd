"""Of all agents that try, one takes a job."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest
from tests.unit.agent.kit import ME, NOW, Clock, FakeBucket, job

from osapi.agent import claims
from osapi.agent.claims import Claims
from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.contract.errors import Unavailable
from osapi.contract.ids import MachineId
from osapi.host.door import Host
from osapi.jobs.record import Event, StatusEvent
from osapi.transport.bucket import Bucket, Entry

pytestmark = pytest.mark.anyio
JOB = job(route="_any")


class ReadableBucket(FakeBucket):
    """A bucket that can lose its confirmation of a write."""

    def __init__(self) -> None:
        super().__init__()
        self.loses = 0
        self.unreadable = 0

    async def update(self, key: str, value: bytes, last: int) -> int:
        revision = await super().update(key, value, last)
        if self.loses:
            self.loses -= 1
            raise Unavailable("the connection was lost before it answered")
        return revision

    async def get(self, key: str) -> Entry | None:
        if self.unreadable:
            self.unreadable -= 1
            raise Unavailable("away again")
        value = self.entries.get(key)
        return None if value is None else Entry(key=key, value=value, revision=1, deleted=False, created_ns=0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_PAUSE_S", 0)


@pytest.fixture
def bucket() -> ReadableBucket:
    return ReadableBucket()


def of(bucket: ReadableBucket, machine: str = ME, clock: Clock | None = None) -> Claims:
    nameplate = Nameplate(cast("Host", None), f"name of {machine}", lambda: None)
    return Claims(cast("Bucket", bucket), MachineId(machine), nameplate, Pulse(), clock or Clock())


async def test_the_first_takes_the_job_and_acknowledges_it_thereby(bucket: ReadableBucket) -> None:
    assert await of(bucket).take(JOB, NOW)
    ((key, value),) = bucket.entries.items()
    assert key == f"status.{JOB.id}.acknowledged._any.0"
    event = msgspec.json.decode(value, type=StatusEvent)
    assert (event.event, event.machine_id, event.hostname) == (Event.ACKNOWLEDGED, ME, "name of me")


async def test_nobody_takes_it_after_that(bucket: ReadableBucket) -> None:
    await of(bucket, "other").take(JOB, NOW)
    assert not await of(bucket).take(JOB, NOW)
    assert not await of(bucket, "other").take(JOB, NOW)


async def test_a_lost_confirmation_is_found_again(bucket: ReadableBucket) -> None:
    bucket.loses = 1
    bucket.unreadable = 2
    assert await of(bucket).take(JOB, NOW)


async def test_a_job_that_another_took_while_we_tried_is_not_ours(bucket: ReadableBucket) -> None:
    await of(bucket, "other").take(JOB, NOW)
    bucket.refuses = [Unavailable("away")]
    assert not await of(bucket).take(JOB, NOW)


async def test_a_claim_is_tried_through_an_outage(bucket: ReadableBucket) -> None:
    bucket.refuses = [Unavailable("away")] * 50
    assert await of(bucket).take(JOB, NOW)


async def test_a_broker_that_says_nothing_until_the_job_expires_leaves_it_open(bucket: ReadableBucket) -> None:
    clock = Clock()
    clock.pass_s(60)
    bucket.refuses = [Unavailable("away")] * 10
    with pytest.raises(Unavailable):
        await of(bucket, clock=clock).take(JOB, NOW)
