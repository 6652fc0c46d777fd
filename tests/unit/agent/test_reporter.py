"""An answer is stored in the end, once, and never replaces another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import msgspec
import pytest
from tests.unit.agent.kit import ME, NOW, OWN, FakeBucket, opened

from osapi.agent.nameplate import Nameplate
from osapi.agent.pulse import Pulse
from osapi.agent.reporter import Reporter
from osapi.contract.errors import OsapiError, TooLarge, Unavailable
from osapi.contract.ids import JobId
from osapi.host.door import Host
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Event, Response, StatusEvent
from osapi.transport.bucket import Bucket

pytestmark = pytest.mark.anyio
JOB = JobId("job-1")
KEY = subjects.response_key(JOB, ME)
RESPONSE = Response(
    job_id=JOB,
    machine_id=ME,
    hostname="here",
    ending=Ending.COMPLETED,
    data=msgspec.Raw(b"1"),
    received=NOW,
    finished=NOW,
)


@pytest.fixture
def responses() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def queue() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def returned() -> Pulse:
    return Pulse()


@pytest.fixture
def reporter(responses: FakeBucket, queue: FakeBucket, returned: Pulse) -> Reporter:
    nameplate = Nameplate(cast("Host", None), "here", lambda: None)
    return Reporter(
        cast("Bucket", responses), cast("Bucket", queue), OWN.signer, ME, nameplate, returned, random=lambda: 0.0
    )


def stored(bucket: FakeBucket) -> Response:
    return msgspec.json.decode(opened(bucket.entries[KEY], envelope.RESULT), type=Response)


async def test_an_answer_is_stored(reporter: Reporter, responses: FakeBucket) -> None:
    assert await reporter.publish(RESPONSE)
    assert stored(responses) == RESPONSE


async def test_an_answer_is_tried_until_the_broker_takes_it(reporter: Reporter, responses: FakeBucket) -> None:
    responses.refuses = [Unavailable("away"), OsapiError("odd")] * 10
    assert await reporter.publish(RESPONSE)
    assert responses.writes == 1


async def test_an_answer_is_tried_at_once_when_the_connection_is_back(
    responses: FakeBucket, queue: FakeBucket, returned: Pulse
) -> None:
    nameplate = Nameplate(cast("Host", None), "here", lambda: None)
    patient = Reporter(
        cast("Bucket", responses), cast("Bucket", queue), OWN.signer, ME, nameplate, returned, random=lambda: 3600.0
    )
    responses.refuses = [Unavailable("away")]
    publishing = asyncio.ensure_future(patient.publish(RESPONSE))
    async with asyncio.timeout(5):
        while responses.refuses:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        returned.beat()
        assert await publishing


async def test_an_answer_that_is_there_already_stays(reporter: Reporter, responses: FakeBucket) -> None:
    await reporter.publish(RESPONSE)
    assert await reporter.publish(msgspec.structs.replace(RESPONSE, ending=Ending.INTERRUPTED))
    assert stored(responses).ending is Ending.COMPLETED


async def test_an_answer_that_the_broker_finds_too_large_is_sent_without_data(
    reporter: Reporter, responses: FakeBucket
) -> None:
    responses.refuses = [TooLarge("1 MiB at most")]
    assert await reporter.publish(RESPONSE)
    answer = stored(responses)
    assert (answer.data, answer.code, answer.ending) == (msgspec.Raw(b"null"), "too_large", Ending.FAILED)


async def test_the_answer_to_a_query_is_given_up_when_patience_ends(reporter: Reporter, responses: FakeBucket) -> None:
    responses.refuses = [Unavailable("away")] * 100_000
    assert not await reporter.publish(RESPONSE, timedelta(milliseconds=20))


async def test_an_event_is_noted_in_the_background_under_its_time(reporter: Reporter, queue: FakeBucket) -> None:
    queue.refuses = [Unavailable("away")]
    reporter.note(JOB, Event.STARTED, NOW)
    await queue.until(lambda: bool(queue.entries))
    ((key, value),) = queue.entries.items()
    assert key == f"status.{JOB}.started.{ME}.{int(NOW.timestamp()) * 10**9}"
    assert msgspec.json.decode(value, type=StatusEvent) == StatusEvent(
        job_id=JOB, event=Event.STARTED, machine_id=ME, hostname="here", timestamp=NOW
    )
    await reporter.close()
    await reporter.close()
