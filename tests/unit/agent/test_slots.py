"""Who may begin, for every order of coming, ending and giving up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osapi.agent.slots import Slots, Turn
from osapi.contract.operation import Kind

pytestmark = pytest.mark.anyio


@dataclass(eq=False)
class Waiting:
    """One job that asked for a turn."""

    number: int
    kind: Kind
    lock: str | None
    task: asyncio.Task[Turn]

    @property
    def runs(self) -> bool:
        return self.task.done() and not self.task.cancelled()


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


class Model:
    """What must hold of `Slots`, said in another way."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.slots = Slots(limit)
        self.waiting: list[Waiting] = []
        self.running: list[Waiting] = []
        self.count = 0

    async def come(self, kind: Kind, lock: str | None) -> None:
        before = list(self.waiting)
        task = asyncio.ensure_future(self.slots.take(kind, lock))
        self.waiting.append(Waiting(self.count, kind, lock, task))
        self.count += 1
        await self._settle(before)

    async def end(self, index: int) -> None:
        if self.running:
            ended = self.running.pop(index % len(self.running))
            ended.task.result().release()
            ended.task.result().release()
            await self._settle(list(self.waiting))

    async def give_up(self, index: int) -> None:
        if self.waiting:
            gone = self.waiting.pop(index % len(self.waiting))
            gone.task.cancel()
            await self._settle(list(self.waiting))

    async def _settle(self, before: list[Waiting]) -> None:
        await settle()
        begun = [each for each in self.waiting if each.runs]
        self.waiting = [each for each in self.waiting if not each.runs]
        for each in begun:
            self._check_order(each, before)
        self.running += begun
        self._check()

    def _check_order(self, begun: Waiting, before: list[Waiting]) -> None:
        """Nobody of the same lock who stood before in the line is passed over, and no read by a modify."""
        for other in self.waiting:
            if other in before and other.lock == begun.lock:
                later = (other.kind is Kind.MODIFY, other.number)
                assert later > (begun.kind is Kind.MODIFY, begun.number)

    def _check(self) -> None:
        assert len(self.running) <= self.limit
        locks = [each.lock for each in self.running if each.lock is not None]
        assert len(locks) == len(set(locks))
        assert self.slots.is_free is (len(self.running) < self.limit)
        if self.slots.is_free:
            assert all(each.lock in locks for each in self.waiting), "somebody waits for nothing"


steps = st.one_of(
    st.tuples(st.just("come"), st.sampled_from(Kind), st.sampled_from([None, "a", "b"])),
    st.tuples(st.just("end"), st.integers(0, 9), st.none()),
    st.tuples(st.just("give_up"), st.integers(0, 9), st.none()),
)


@settings(deadline=None)
@given(st.integers(1, 3), st.lists(steps, max_size=40))
def test_slots_keep_their_word(limit: int, story: list[tuple[str, object, str | None]]) -> None:
    async def play() -> None:
        model = Model(limit)
        for step, first, lock in story:
            match step, first:
                case "come", Kind():
                    await model.come(first, lock)
                case "end", int():
                    await model.end(first)
                case _, int():
                    await model.give_up(first)
        while model.running or model.waiting:
            await model.end(0)

    asyncio.run(play())


async def test_reads_come_before_writes() -> None:
    slots = Slots(1)
    turn = await slots.take(Kind.MODIFY, None)
    write = asyncio.ensure_future(slots.take(Kind.MODIFY, None))
    await settle()
    read = asyncio.ensure_future(slots.take(Kind.QUERY, None))
    await settle()
    turn.release()
    await settle()
    assert (read.done(), write.done()) == (True, False)
    (await read).release()
    (await write).release()


async def test_who_waits_for_a_lock_keeps_nobody_else_waiting() -> None:
    slots = Slots(2)
    with await slots.take(Kind.MODIFY, "packages"):
        second = asyncio.ensure_future(slots.take(Kind.MODIFY, "packages"))
        await settle()
        with await slots.take(Kind.MODIFY, None):
            assert not second.done()
    (await second).release()


async def test_a_free_slot_can_be_waited_for() -> None:
    slots = Slots(1)
    turn = await slots.take(Kind.QUERY, None)
    free = asyncio.ensure_future(slots.wait_free())
    await settle()
    assert not free.done()
    turn.release()
    await free


async def test_it_can_be_waited_for_that_no_slot_is_free() -> None:
    slots = Slots(2)
    full = asyncio.ensure_future(slots.wait_full())
    with await slots.take(Kind.QUERY, None):
        await settle()
        assert not full.done()
        with await slots.take(Kind.QUERY, None):
            await full


async def test_a_turn_without_waiting_is_given_only_when_there_is_one() -> None:
    slots = Slots(2)
    with await slots.take(Kind.MODIFY, "a"):
        assert slots.take_now("a") is None
        turn = slots.take_now("b")
        assert turn is not None
        assert slots.take_now(None) is None
        turn.release()
    again = slots.take_now("b")
    assert again is not None
    again.release()


async def test_a_turn_that_was_granted_to_somebody_who_gave_up_goes_on() -> None:
    slots = Slots(1)
    turn = await slots.take(Kind.QUERY, None)
    gone = asyncio.ensure_future(slots.take(Kind.QUERY, "a"))
    await settle()
    turn.release()
    gone.cancel()
    await settle()
    assert gone.cancelled()
    (await slots.take(Kind.QUERY, "a")).release()
