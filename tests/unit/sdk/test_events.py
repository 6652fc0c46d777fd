from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sdk.kit import JOB, TOKEN, FakeController, event

from osapi.sdk import errors
from osapi.sdk.events import EventReader, Resume, follow
from osapi.sdk.raw import RawClient

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def _read(*blocks: bytes) -> list[tuple[str, str, str]]:
    reader = EventReader()
    return [(one.id, one.event, one.data) for block in blocks for one in reader.feed(block)]


STREAM = b": ping\n\nid: 1\nevent: started\ndata: {}\n\ndata:a\ndata: b\nretry: 3\n\nid: 3\nevent: done\ndata: x\n\n"
TOLD = [("1", "started", "{}"), ("1", "message", "a\nb"), ("3", "done", "x")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_the_same_however_the_bytes_arrive(cuts: list[int], end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert _read(*(stream[one:other] for one, other in pairwise(edges))) == TOLD


def test_an_event_without_data_is_none() -> None:
    assert _read(b"event: x\n\n") == []


def test_an_unfinished_event_waits() -> None:
    assert _read(b"data: x\n") == []


def _client(controller: FakeController) -> RawClient:
    return RawClient(controller.url, TOKEN, sleep=lambda _: None)


def test_a_job_is_followed_to_its_end(controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "started"), event("2", "completed"), event("3", "done")])
    assert [one.event for one in follow(_client(controller), JOB)] == ["started", "completed", "done"]
    assert controller.asked[0].path == f"/api/job/{JOB}/events"
    assert controller.asked[0].headers["accept"] == "text/event-stream"


def test_a_deleted_job_has_come_to_its_end(controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "deleted")])
    assert [one.event for one in follow(_client(controller), JOB)] == ["deleted"]


def test_a_broken_stream_goes_on_after_the_last_event(controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1-0", "started"), b"id: 1-1\nevent: comp"])
    controller.answer(hang_up=True)
    controller.answer({"error": "starting"}, status=503)
    controller.answer(raw=[HEAD, event("1-1", "completed"), event("1-1", "done")])
    paused: list[float] = []
    told = [one.event for one in follow(_client(controller), JOB, sleep=paused.append)]
    assert told == ["started", "completed", "done"]
    assert [asked.headers.get("last-event-id") for asked in controller.asked] == [None, "1-0", "1-0", "1-0"]
    assert paused == [0.1, 0.2, 0.4]


def test_a_controller_that_stays_away_is_given_up(controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "started")]).answer(hang_up=True)
    now = [0.0]

    def sleep(pause_s: float) -> None:
        now[0] += pause_s

    with pytest.raises(errors.Unreachable):
        list(follow(_client(controller), JOB, patience_s=20, clock=lambda: now[0], sleep=sleep))
    assert 20 < now[0] < 40


def test_a_controller_that_never_answered_is_given_up_soon(controller: FakeController) -> None:
    controller.answer(hang_up=True)
    now = [0.0]

    def sleep(pause_s: float) -> None:
        now[0] += pause_s

    with pytest.raises(errors.Unreachable):
        list(follow(_client(controller), JOB, patience_s=60, clock=lambda: now[0], sleep=sleep))
    assert 2 < now[0] < 10


def test_a_sign_of_life_counts_as_much_as_an_event() -> None:
    now = [0.0]
    resume = Resume(JOB, "", 60.0, lambda: now[0])
    resume.hear()
    now[0] = 100.0
    resume.hear()
    now[0] = 101.0
    assert resume.pause_s(errors.Unreachable("gone", sent=False)) == 0.1


def test_a_refusal_ends_a_stream_at_once(controller: FakeController) -> None:
    controller.answer({"error": "unknown"}, status=404)
    with pytest.raises(errors.NotFound):
        list(follow(_client(controller), JOB))
    assert len(controller.asked) == 1


def test_the_events_of_all_jobs_do_not_end_with_one(controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "done")]).answer(raw=[HEAD, event("2", "done")]).answer(
        {"error": "no"}, status=403
    )
    stream = follow(_client(controller), None, last_id="0", sleep=lambda _: None)
    assert [next(stream).id, next(stream).id] == ["1", "2"]
    assert [asked.path for asked in controller.asked] == ["/api/events"] * 2
    assert [asked.headers["last-event-id"] for asked in controller.asked] == ["0", "1"]
