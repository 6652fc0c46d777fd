"""What an agent knows of the difference between its clock and the controller's."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.agent.kit import NOW

from osapi.agent.skew import Skew

HOUR = timedelta(hours=1)


def test_nothing_is_known_before_the_controller_has_told() -> None:
    assert Skew().ahead(NOW) == timedelta(0)


def test_the_difference_stays_while_time_passes() -> None:
    passed = [100.0]
    skew = Skew(lambda: passed[0])
    skew.learn(NOW)
    passed[0] += 3600
    assert skew.ahead(NOW + HOUR) == timedelta(0)
    assert skew.ahead(NOW + 3 * HOUR) == 2 * HOUR
    assert skew.ahead(NOW) == -HOUR


def test_a_clock_that_is_set_shows_at_once_and_a_new_word_replaces_the_old() -> None:
    skew = Skew(lambda: 5.0)
    skew.learn(NOW)
    assert skew.ahead(NOW - HOUR) == -HOUR
    skew.learn(NOW - HOUR)
    assert skew.ahead(NOW - HOUR) == timedelta(0)
