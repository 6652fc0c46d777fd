"""Messages that are not believed: all are counted, the newest kept, and the log is not drowned."""

from __future__ import annotations

import pytest

from osapi.jobs.quarantine import KEPT, Doubt, Quarantine, Saying


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_a_flood_is_counted_whole_and_told_in_part(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    quarantine = Quarantine(clock)
    for number in range(10_000):
        quarantine.put(Saying.HEARTBEAT, Doubt.SIGNATURE, f"agents.m{number}")
    clock.s += 5
    for number in range(10):
        quarantine.put(Saying.RESULT, Doubt.UNSIGNED, f"responses.j.m{number}")
    assert quarantine.counts == {
        (Saying.HEARTBEAT, Doubt.SIGNATURE): 10_000,
        (Saying.RESULT, Doubt.UNSIGNED): 10,
    }
    assert len(quarantine.newest) == KEPT
    assert (quarantine.newest[0].key, quarantine.newest[-1].key) == ("responses.j.m9", f"agents.m{10_000 - KEPT + 10}")
    assert caplog.text.count("security.quarantined") == 20 + 5


def test_a_clock_that_is_set_back_does_not_silence_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    quarantine = Quarantine(clock)
    clock.s -= 500
    quarantine.put(Saying.RESULT, Doubt.UNREADABLE, "x")
    assert "security.quarantined" in caplog.text
