from __future__ import annotations

import pytest

from osapi.contract.errors import NotFound
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.provision import provision
from osapi.transport.stream import StreamKeeper

pytestmark = pytest.mark.anyio


@pytest.fixture
async def letters(broker: Broker) -> StreamKeeper:
    await provision(broker, Layout())
    for number in range(1, 31):
        await broker.append("dlq.jobs", b"%d" % number)
    return broker.stream("JOBS-DLQ")


async def test_messages_are_counted_and_the_newest_read_first(letters: StreamKeeper) -> None:
    assert await letters.count() == 30
    newest = await letters.newest(3)
    assert [(one.subject, one.data, one.sequence) for one in newest] == [
        ("dlq.jobs", b"30", 30),
        ("dlq.jobs", b"29", 29),
        ("dlq.jobs", b"28", 28),
    ]
    assert len(await letters.newest(100)) == 30


async def test_deleted_messages_leave_a_gap_that_reading_passes_over(letters: StreamKeeper) -> None:
    for sequence in range(11, 31):
        await letters.delete(sequence)
    assert await letters.count() == 10
    assert [one.sequence for one in await letters.newest(4)] == [10, 9, 8, 7]
    assert await letters.get(20) is None
    one = await letters.get(7)
    assert one is not None
    assert one.data == b"7"


async def test_what_is_not_there_cannot_be_deleted(letters: StreamKeeper) -> None:
    with pytest.raises(NotFound):
        await letters.delete(99)


async def test_purging_leaves_nothing(letters: StreamKeeper) -> None:
    assert await letters.purge() == 30
    assert (await letters.count(), await letters.newest(5)) == (0, [])


async def test_a_stream_that_is_not_there_is_told(broker: Broker) -> None:
    with pytest.raises(NotFound):
        await broker.stream("NOWHERE").count()
