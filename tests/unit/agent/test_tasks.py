"""Background tasks have an owner, and their failures are seen."""

from __future__ import annotations

import asyncio

import pytest

from osapi.agent.pulse import Pulse
from osapi.agent.tasks import Tasks

pytestmark = pytest.mark.anyio


async def test_what_a_task_raises_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("oops")

    tasks = Tasks()
    await tasks.start(fail(), "the failing one")
    assert "task.crashed" in caplog.text
    assert "oops" in caplog.text


async def test_settling_tells_whether_all_have_ended() -> None:
    tasks = Tasks()
    assert await tasks.settle(0)
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    tasks.start(wait(), "waiting")
    assert not await tasks.settle(0.01)
    go_on.set()
    assert await tasks.settle(1)


async def test_cancelling_ends_all_and_may_be_repeated() -> None:
    tasks = Tasks()
    task = tasks.start(asyncio.sleep(3600), "sleeping")
    await tasks.cancel()
    await tasks.cancel()
    assert task.cancelled()


async def test_a_task_that_does_not_end_is_named_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        while not go_on.is_set():
            try:
                begun.set()
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    tasks = Tasks()
    tasks.start(stubborn(), "the stubborn one")
    await begun.wait()
    await tasks.cancel(0.01)
    assert "task.stuck" in caplog.text
    go_on.set()
    assert await tasks.settle(1)


async def test_a_pulse_wakes_all_who_wait_and_nobody_who_comes_later() -> None:
    pulse = Pulse()
    waiting = [asyncio.ensure_future(pulse.wait(5)) for _ in range(3)]
    await asyncio.sleep(0)
    pulse.beat()
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert not await pulse.wait(0.001)
