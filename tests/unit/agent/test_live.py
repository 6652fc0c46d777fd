"""What a job gives out, on its way to the broker: gathered, bounded, complete in the end."""

from __future__ import annotations

import asyncio

import pytest

from osapi.agent.live import PIECE, LiveOutput, Pace, pace
from osapi.agent.pieces import Piece

pytestmark = pytest.mark.anyio

QUICK = Pace(0.01, 100)
NEVER = Pace(60.0, 100)


class Sent:
    """Takes what is sent; `refuses` counts what it does not take."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.pieces: list[tuple[int, Piece]] = []

    async def __call__(self, number: int, piece: Piece) -> bool:
        if self.refuses:
            self.refuses -= 1
            return False
        self.pieces.append((number, piece))
        return True

    @property
    def text(self) -> str:
        return "".join(piece.data.get("stdout", "") for _, piece in self.pieces)

    @property
    def left_out(self) -> int:
        return sum(piece.left_out for _, piece in self.pieces)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.pieces) < count:
                await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("hosts", "interval_s", "piece"),
    [(0, 0.1, 32768), (1, 0.1, 32768), (10, 0.1, 10485), (100, 1.0, 10485), (1000, 1.0, 2048), (50_000, 1.0, 2048)],
)
def test_the_more_hosts_the_less_and_the_rarer(hosts: int, interval_s: float, piece: int) -> None:
    assert pace(hosts) == Pace(interval_s, piece)


@pytest.mark.parametrize("hosts", [1, 2, 10, 100, 500, 1000])
def test_all_hosts_together_stay_below_two_mebibytes_a_second(hosts: int) -> None:
    chosen = pace(hosts)
    assert hosts * chosen.piece / chosen.interval_s <= 2 * 1024 * 1024
    assert chosen.piece <= PIECE


async def test_what_comes_close_together_is_sent_together() -> None:
    sent = Sent()
    live = LiveOutput(sent, Pace(0.05, 100))
    for text in (b"a", b"b", b"c"):
        live.text("stdout", text)
    await sent.until(1)
    live.text("stdout", b"d")
    await sent.until(2)
    assert [(number, piece.data) for number, piece in sent.pieces] == [(1, {"stdout": "abc"}), (2, {"stdout": "d"})]
    assert await live.close() == 2


async def test_a_job_that_ends_before_anything_was_due_sends_nothing() -> None:
    sent = Sent()
    live = LiveOutput(sent, NEVER)
    live.text("stdout", b"quick")
    assert await live.close() == 0
    assert sent.pieces == []


async def test_once_something_was_sent_the_rest_is_too() -> None:
    sent = Sent()
    live = LiveOutput(sent, Pace(0.05, 100))
    live.text("stdout", b"first ")
    await sent.until(1)
    live.text("stdout", b"last \xe2\x82")
    assert await live.close() == 2
    assert sent.text == "first last \ufffd"


async def test_items_are_sent_however_quick_the_job_is() -> None:
    sent = Sent()
    live = LiveOutput(sent, NEVER)
    live.items("entries", [{"a": 1}])
    assert await live.close() == 1


async def test_text_faster_than_the_pace_is_left_out_and_counted() -> None:
    sent = Sent()
    live = LiveOutput(sent, QUICK)
    for _ in range(100):
        live.text("stdout", b"x" * 10_000)
    await sent.until(1)
    await live.close()
    assert len(sent.text) + sent.left_out == 1_000_000
    assert sent.left_out > 0
    assert [number for number, _ in sent.pieces] == list(range(1, len(sent.pieces) + 1))


async def test_the_source_of_items_has_to_wait_and_nothing_is_lost() -> None:
    sent = Sent()
    live = LiveOutput(sent, Pace(0.001, 20_000))
    waited = 0
    for number in range(50):
        room = live.items("entries", [{"number": number, "text": "x" * 5_000}])
        if room is not None:
            waited += 1
            async with asyncio.timeout(5):
                await room
    await live.close()
    assert sum(len(piece.data["entries"]) for _, piece in sent.pieces) == 50
    assert waited


async def test_a_broker_that_is_away_costs_text_but_no_items() -> None:
    sent = Sent(refuses=2)
    live = LiveOutput(sent, QUICK)
    live.text("stdout", b"lost")
    live.items("entries", [1])
    await sent.until(1)
    assert (sent.pieces[0][1].left_out, [len(piece.data["entries"]) for _, piece in sent.pieces]) == (4, [1])
    assert await live.close() == 1


async def test_closing_does_not_wait_for_a_broker_that_is_away() -> None:
    live = LiveOutput(Sent(refuses=1000), QUICK)
    live.items("entries", [1])
    async with asyncio.timeout(1):
        assert await live.close() == 0


async def test_what_comes_after_the_end_is_nobodys() -> None:
    sent = Sent()
    live = LiveOutput(sent, QUICK)
    await live.close()
    live.text("stdout", b"late")
    assert live.items("entries", [1]) is None
    assert await live.close() == 0
