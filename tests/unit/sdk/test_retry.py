from __future__ import annotations

import pytest

from osapi.sdk.errors import (
    BadAnswer,
    Conflict,
    NoAnswer,
    SdkError,
    ServerError,
    TooManyRequests,
    Unavailable,
    Unreachable,
)
from osapi.sdk.request import Request
from osapi.sdk.retry import Retry

SAFE = Request("GET", "/")
UNSAFE = Request("POST", "/")


def _pause(request: Request, problem: SdkError, tried: int = 1) -> float | None:
    return Retry(attempts=3, base_s=1.0).pause_s(request, problem, tried, lambda: 1.0)


@pytest.mark.parametrize("request_", [SAFE, UNSAFE])
def test_what_was_never_sent_is_sent_again(request_: Request) -> None:
    assert _pause(request_, Unreachable("refused", sent=False)) is not None


def test_what_may_have_been_carried_out_is_sent_again_only_when_that_is_safe() -> None:
    assert _pause(SAFE, Unreachable("broke", sent=True)) is not None
    assert _pause(UNSAFE, Unreachable("broke", sent=True)) is None


def test_an_answer_that_did_not_come_in_time_is_not_asked_for_again() -> None:
    assert _pause(SAFE, Unreachable("slow", sent=True, timed_out=True)) is None


@pytest.mark.parametrize("problem", [Unavailable("away", status=503), TooManyRequests("slow down", status=429)])
def test_a_controller_that_asks_for_patience_gets_it_for_what_is_safe(problem: SdkError) -> None:
    assert _pause(SAFE, problem) is not None
    assert _pause(UNSAFE, problem) is None


@pytest.mark.parametrize(
    "problem",
    [
        BadAnswer("what"),
        Conflict("taken", status=409),
        NoAnswer("nobody", status=504),
        ServerError("broken", status=500),
    ],
)
def test_what_would_end_the_same_is_not_tried_again(problem: SdkError) -> None:
    assert _pause(SAFE, problem) is None


def test_pauses_double_and_end_with_the_attempts() -> None:
    problem = Unreachable("refused", sent=False)
    assert [_pause(SAFE, problem, tried) for tried in (1, 2, 3)] == [1.0, 2.0, None]


def test_pauses_differ_between_clients() -> None:
    problem = Unreachable("refused", sent=False)
    assert Retry(base_s=1.0).pause_s(SAFE, problem, 1, lambda: 0.0) == 0.5
    drawn = Retry(base_s=1.0).pause_s(SAFE, problem, 1)
    assert drawn is not None
    assert 0.5 <= drawn <= 1.0


def test_a_wait_that_the_controller_names_is_kept_unless_it_is_too_long() -> None:
    assert _pause(SAFE, Unavailable("away", status=503, retry_after_s=7.0)) == 7.0
    assert _pause(SAFE, Unavailable("away", status=503, retry_after_s=0.0)) == 1.0
    assert _pause(SAFE, Unavailable("away", status=503, retry_after_s=3600.0)) is None
