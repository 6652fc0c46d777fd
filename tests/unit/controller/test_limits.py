"""Token buckets: so many at once, then so many a second, each caller on his own."""

from __future__ import annotations

import pytest

from osapi.contract.errors import TooMany
from osapi.controller.limits import UNLIMITED, Buckets, Limits, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_passes_and_then_the_rate(clock: Clock) -> None:
    buckets = Buckets(Rate(2, 3), clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") == 0.5


def test_a_bucket_never_holds_more_than_the_burst(clock: Clock) -> None:
    buckets = Buckets(Rate(2, 3), clock)
    clock.now += 1000
    assert sum(buckets.take("a") == 0 for _ in range(10)) == 3


def test_one_caller_takes_nothing_from_another(clock: Clock) -> None:
    buckets = Buckets(Rate(1, 1), clock)
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_who_was_refused_pays_nothing_for_it(clock: Clock) -> None:
    buckets = Buckets(Rate(1, 1), clock)
    for _ in range(100):
        buckets.take("a")
    clock.now += 1
    assert buckets.take("a") == 0


def test_callers_that_are_remembered_are_bounded(clock: Clock) -> None:
    buckets = Buckets(Rate(1, 1), clock, most=10)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 10
    assert buckets.take("999") > 0
    assert buckets.take("0") == 0


def test_no_limit_is_none(clock: Clock) -> None:
    buckets = Buckets(UNLIMITED, clock)
    assert {buckets.take("a") for _ in range(10_000)} == {0}
    assert len(buckets) == 0


def test_guesses_are_counted_when_they_were_wrong(clock: Clock) -> None:
    limits = Limits(clock, token=UNLIMITED, anonymous=UNLIMITED, guesses=Rate(1, 2))
    assert limits.may_guess("192.0.2.1")
    limits.guessed("192.0.2.1")
    limits.guessed("192.0.2.1")
    assert not limits.may_guess("192.0.2.1")
    assert limits.refuse_guess("192.0.2.1").retry_after_s == 1
    assert limits.may_guess("192.0.2.2")
    clock.now += 1
    assert limits.may_guess("192.0.2.1")


def test_all_addresses_of_one_ipv6_network_share_a_bucket(clock: Clock) -> None:
    limits = Limits(clock, token=UNLIMITED, anonymous=Rate(1, 1), guesses=UNLIMITED)
    limits.admit_anonymous("2001:db8::1")
    with pytest.raises(TooMany):
        limits.admit_anonymous("2001:db8::2")
    limits.admit_anonymous("2001:db8:0:1::1")
