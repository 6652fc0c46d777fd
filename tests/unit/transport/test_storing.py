"""Whether the broker stores what it is given: a value that is known before an attempt is given up."""

from __future__ import annotations

from osapi.transport.storing import SLOW_S, Storing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_message_that_is_on_its_way_for_long_is_trouble_until_it_is_answered() -> None:
    clock = Clock()
    storing = Storing(clock)
    number = storing.begin()
    clock.now = SLOW_S - 0.1
    assert storing.trouble() is None
    clock.now = SLOW_S
    assert "disk may be full" in str(storing.trouble())
    storing.end(number, answered=True)
    assert storing.trouble() is None


def test_one_that_was_given_up_is_trouble_until_the_next_one_is_answered() -> None:
    storing = Storing(Clock())
    storing.end(storing.begin(), answered=False)
    assert storing.trouble() is not None
    later = storing.begin()
    assert storing.trouble() is not None
    storing.end(later, answered=True)
    assert storing.trouble() is None


def test_of_a_connection_that_was_lost_nothing_is_concluded() -> None:
    storing = Storing(Clock())
    storing.end(storing.begin(), answered=None)
    assert storing.trouble() is None
    storing.end(storing.begin(), answered=False)
    storing.end(storing.begin(), answered=None)
    assert storing.trouble() is not None
