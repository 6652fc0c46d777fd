"""Work that may hang holds nobody up."""

from __future__ import annotations

import threading

import pytest

from osapi.contract.errors import DeadlineExceeded
from osapi.host.ending import in_own_thread

pytestmark = pytest.mark.anyio


async def test_what_hangs_is_told_in_time() -> None:
    let_go = threading.Event()
    with pytest.raises(DeadlineExceeded, match=r"reading it took longer than 0\.05 s"):
        await in_own_thread(let_go.wait, "it", 0.05)
    let_go.set()


async def test_a_result_or_a_failure_comes_through() -> None:
    assert await in_own_thread(lambda: 7, "it", 5) == 7
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0, "it", 5)
