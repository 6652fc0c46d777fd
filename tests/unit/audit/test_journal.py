"""The journal, whatever becomes of its messages on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.unit.audit.kit import SIGNER, START, VERIFIER, FakeChain, entry, outcome
from tests.unit.audit.kit import chain as foreign_chain

from osapi.audit import journal as module
from osapi.audit import record
from osapi.audit.chain import Checker
from osapi.audit.journal import HELD, Journal
from osapi.audit.record import Place, Record
from osapi.audit.tail import Tail
from osapi.contract.errors import StoreFull, Unavailable

pytestmark = pytest.mark.anyio

FULL = Unavailable("maximum bytes exceeded", code="refused")
SILENT = Unavailable("no answer within 5 s")


@dataclass
class Desk:
    """A journal that runs, and what it tells."""

    chain: FakeChain
    tail: Tail
    journal: Journal
    lost: list[int] = field(default_factory=list[int])
    reported: list[str] = field(default_factory=list[str])

    def is_whole(self) -> bool:
        checker = Checker(VERIFIER, now=START)
        for sequence, message in self.chain.messages.items():
            checker.take(sequence, message)
        return checker.end().is_whole


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
async def desk(chain: FakeChain) -> AsyncIterator[Desk]:
    async for made in running(chain):
        yield made


async def running(chain: FakeChain) -> AsyncIterator[Desk]:
    lost: list[int] = []
    reported: list[str] = []
    tail = Tail(VERIFIER, reported.append)
    journal = Journal(chain, tail, SIGNER, clock=START.timestamp, lost=lost.append)
    task = asyncio.create_task(journal.run())
    yield Desk(chain, tail, journal, lost, reported)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_kept_is_stored_when_keep_returns(desk: Desk) -> None:
    one = entry(None)
    await desk.journal.keep(one)
    assert desk.chain.records() == [one]
    assert desk.tail.place.sequence == 1


async def test_what_is_noted_is_stored_soon_and_together(desk: Desk) -> None:
    noted = [entry() for _ in range(10)]
    for one in noted:
        desk.journal.note(one)
    assert desk.chain.records() == []
    await desk.journal.flush(5)
    assert desk.chain.records() == noted
    assert len(desk.chain.messages) == 1


async def test_what_is_noted_is_stored_without_anybody_asking(desk: Desk) -> None:
    desk.journal.note(entry())
    async with asyncio.timeout(5):
        while not desk.chain.messages:
            await asyncio.sleep(0.01)


async def test_what_was_noted_before_is_stored_before(desk: Desk) -> None:
    first, then, last = entry(), entry(None), entry()
    desk.journal.note(first)
    await desk.journal.keep(then)
    desk.journal.note(last)
    await desk.journal.flush(5)
    assert desk.chain.records() == [first, then, last]


async def test_many_at_once_share_messages_and_keep_their_order(desk: Desk) -> None:
    kept = [entry(None) for _ in range(1000)]
    await asyncio.gather(*(desk.journal.keep(one) for one in kept))
    assert desk.chain.records() == kept
    assert len(desk.chain.messages) <= 6
    assert desk.is_whole()


async def test_a_message_stays_below_what_the_broker_carries(desk: Desk) -> None:
    long = [entry(None, path="/" + "x" * 2000) for _ in range(100)]
    await asyncio.gather(*(desk.journal.keep(one) for one in long))
    assert max(map(len, desk.chain.messages.values())) < desk.chain.most_bytes + 4096
    assert desk.chain.records() == long


async def test_a_full_stream_refuses_what_must_be_kept(desk: Desk) -> None:
    desk.chain.fails = [FULL]
    with pytest.raises(StoreFull, match=r"nats\.audit\.max_bytes") as refused:
        await desk.journal.keep(entry(None))
    assert refused.value.error_code == "audit_full"
    assert desk.journal.problem is not None


async def test_a_stream_that_is_away_refuses_what_must_be_kept(desk: Desk) -> None:
    desk.chain.fails = [SILENT]
    with pytest.raises(Unavailable, match="nothing is changed") as refused:
        await desk.journal.keep(entry(None))
    assert refused.value.error_code == "audit_unavailable"


async def test_each_of_many_is_told_with_a_failure_of_its_own(desk: Desk) -> None:
    desk.chain.fails = [FULL]
    told = await asyncio.gather(*(desk.journal.keep(entry(None)) for _ in range(3)), return_exceptions=True)
    assert len({id(one) for one in told}) == 3


async def test_what_was_refused_is_stored_once_there_is_room_with_its_outcome(desk: Desk) -> None:
    desk.chain.fails = [FULL, FULL]
    refused = entry(None)
    with pytest.raises(StoreFull):
        await desk.journal.keep(refused)
    told = outcome(refused, 507)
    desk.journal.note(told)
    with pytest.raises(StoreFull):
        await desk.journal.keep(another := entry(None))
    await desk.journal.keep(last := entry(None))
    assert desk.chain.records() == [refused, told, another, last]
    assert desk.journal.problem is None


async def test_it_tries_again_without_being_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    desk.chain.fails = [FULL] * 3
    desk.journal.note(one := entry())
    async with asyncio.timeout(5):
        while not desk.chain.messages:
            await asyncio.sleep(0.01)
    assert desk.chain.records() == [one]


async def test_what_was_stored_though_nobody_said_so_is_not_stored_twice(desk: Desk) -> None:
    """The broker stores the message, and its answer is lost."""
    desk.chain.fails, desk.chain.quietly = [SILENT], True
    with pytest.raises(Unavailable):
        await desk.journal.keep(first := entry(None))
    await desk.journal.keep(then := entry(None))
    assert desk.chain.records() == [first, then]
    assert desk.is_whole()


async def test_the_watch_may_tell_sooner_than_the_broker_s_answer(desk: Desk) -> None:
    desk.chain.fails, desk.chain.quietly = [SILENT], True
    with pytest.raises(Unavailable):
        await desk.journal.keep(first := entry(None))
    desk.journal.heard(1, desk.chain.messages[1])
    assert desk.journal.problem is None
    await desk.journal.keep(then := entry(None))
    assert desk.chain.records() == [first, then]


async def test_two_controllers_write_one_chain(desk: Desk) -> None:
    async for other in running(desk.chain):
        ours = [entry(None) for _ in range(200)]
        theirs = [entry(None) for _ in range(200)]

        async def write(journal: Journal, records: list[Record]) -> None:
            for start in range(0, len(records), 10):
                await asyncio.gather(*(journal.keep(one) for one in records[start : start + 10]))

        await asyncio.gather(write(desk.journal, [*ours]), write(other.journal, [*theirs]))
        stored = desk.chain.records()
        assert [one for one in stored if one in ours] == ours
        assert [one for one in stored if one in theirs] == theirs
        assert len(stored) == 400
        assert desk.is_whole()
        assert not desk.reported


async def test_the_chain_goes_on_past_a_message_of_somebody_else(desk: Desk) -> None:
    await desk.journal.keep(entry(None))
    desk.chain.put(b"nothing of ours")
    await desk.journal.keep(entry(None))
    checker = Checker(VERIFIER, now=START)
    for sequence, message in desk.chain.messages.items():
        checker.take(sequence, message)
    assert [(found.fault.value, found.sequence) for found in checker.end().breaks] == [("foreign", 2)]


async def test_an_end_that_vanishes_is_noticed_and_the_chain_tells_it_for_ever(desk: Desk) -> None:
    for _ in range(5):
        await desk.journal.keep(entry(None))
    del desk.chain.messages[4], desk.chain.messages[5]
    desk.chain.last = 3
    await desk.journal.keep(entry(None))
    assert desk.reported == ["messages 4 to 5 of the audit are gone from the end of the stream"]
    assert not desk.is_whole()


async def test_a_chain_that_was_replaced_is_noticed(desk: Desk) -> None:
    await desk.journal.keep(entry(None))
    tail = Tail(VERIFIER, desk.reported.append)
    tail.expect(Place(1, "0" * 64), desk.chain.messages[1])
    tail.expect(Place(7, "0" * 64), None)
    assert len(desk.reported) == 2


async def test_what_waits_for_too_long_is_given_up_and_counted(desk: Desk) -> None:
    desk.chain.fails = [FULL] * 3
    for _ in range(HELD + 50):
        desk.journal.note(entry())
    with pytest.raises(StoreFull):
        await desk.journal.keep(entry(None))
    desk.chain.fails = []
    await desk.journal.flush(30)
    assert desk.lost == [51]
    assert len(desk.chain.records()) == HELD


async def test_catching_up_fails_when_the_stream_cannot_be_read(desk: Desk) -> None:
    await desk.journal.keep(entry(None))
    desk.chain.put(b"another")
    desk.chain.unreadable = SILENT
    with pytest.raises(Unavailable):
        await desk.journal.keep(entry(None))
    desk.chain.unreadable = None
    await desk.journal.keep(entry(None))
    assert len(desk.chain.records()) == 3


async def test_a_record_of_the_chain_reads_as_it_was_written(desk: Desk) -> None:
    one = entry(403, remark='ä \u2028 "quoted" \n', roles=("a", "b"))
    await desk.journal.keep(one)
    assert record.unseal(VERIFIER, desk.chain.messages[1]).records == (one,)


class SlowChain(FakeChain):
    """Another controller writes, and is heard, while the answer about the end of the chain is on its way."""

    def __init__(self, foreign: list[bytes]) -> None:
        super().__init__()
        self.foreign = foreign
        self.heard: Journal | None = None

    async def span(self) -> tuple[int, int]:
        answer = await super().span()
        if self.heard is not None:
            while self.foreign:
                self.put(self.foreign.pop(0))
            for sequence, message in self.messages.items():
                self.heard.heard(sequence, message)
        return answer


async def test_what_is_heard_while_the_end_is_asked_for_is_not_gone() -> None:
    slow = SlowChain(list(foreign_chain(5).values()))
    for _ in range(2):
        slow.put(slow.foreign.pop(0))  # so that the first attempt meets a conflict
    async for desk in running(slow):
        desk.journal.heard(1, slow.messages[1])
        slow.heard = desk.journal
        await desk.journal.keep(entry(None))
        assert (desk.reported, slow.last) == ([], 6)
        assert desk.is_whole()


@pytest.mark.parametrize(("after_s", "whole"), [(60, True), (5, False)])
async def test_what_was_kept_for_a_short_time_may_be_gone_when_more_is_kept_by_now(
    desk: Desk, after_s: int, whole: bool
) -> None:
    for sequence, message in foreign_chain(3, keeps=timedelta(seconds=10)).items():
        desk.chain.put(message)
        desk.journal.heard(sequence, message)
    await desk.journal.keep(entry(None))
    await desk.journal.keep(entry(None))
    first, second = desk.chain.messages[4], desk.chain.messages[5]
    assert [link.previous.keeps_s for message in (first, second) if (link := record.peek(message))] == [10, 0]
    checker = Checker(VERIFIER, now=START + timedelta(seconds=after_s))
    checker.take(4, first)
    checker.take(5, second)
    assert checker.end().is_whole is whole
    assert [link.keeps_s for message in (first, second) if (link := record.peek(message))] == [0, 0]


@pytest.mark.parametrize(("after_s", "whole"), [(60, True), (5, False)])
async def test_what_was_gone_before_the_start_is_judged_by_what_was_known_of_it(
    desk: Desk, after_s: int, whole: bool
) -> None:
    desk.chain.last = desk.tail.sequence = 3
    desk.tail.place = Place(3, "0" * 64, START, 10)
    await desk.journal.keep(entry(None))
    checker = Checker(VERIFIER, now=START + timedelta(seconds=after_s))
    checker.take(4, desk.chain.messages[4])
    assert checker.end().is_whole is whole
