"""Floods of refusals become few entries, and none is forgotten in the sum."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from tests.unit.audit.kit import START, entry

from osapi.audit.ids import EntryIds
from osapi.audit.kind import Kind
from osapi.audit.record import Entry
from osapi.audit.refusals import MOST_ADDRESSES, SINGLY, SINGLY_IN_ALL, WINDOW_S, Refusals


class Desk:
    """Refusals whose time the test sets."""

    def __init__(self) -> None:
        self.now = START.timestamp()
        self.entered: list[Entry] = []
        self.refusals = Refusals(self.entered.append, EntryIds(lambda: self.now), lambda: self.now)

    def refuse(self, address: str, count: int = 1, status: int = 401, user: str = "") -> None:
        for _ in range(count):
            at = START + timedelta(seconds=self.now - START.timestamp())
            self.refusals.note(
                entry(status, kind=Kind.REFUSAL, source_ip=address, user=user, timestamp=at, path="/api/job")
            )

    def pass_time(self, seconds: float = WINDOW_S) -> None:
        self.now += seconds
        self.refusals.tick()


def told(entries: Iterable[Entry]) -> int:
    return sum(one.count for one in entries)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_few_refusals_are_entered_as_they_are(desk: Desk) -> None:
    desk.refuse("192.0.2.1", SINGLY)
    desk.pass_time()
    assert [one.count for one in desk.entered] == [1] * SINGLY


def test_of_a_flood_the_first_are_entered_and_the_rest_is_one_entry(desk: Desk) -> None:
    desk.refuse("192.0.2.1", 1000)
    assert len(desk.entered) == SINGLY
    desk.now += 10
    desk.refuse("192.0.2.1", 1000)
    desk.pass_time()
    assert len(desk.entered) == SINGLY + 1
    last = desk.entered[-1]
    assert (last.count, last.source_ip, last.kind) == (2000 - SINGLY, "192.0.2.1", Kind.REFUSAL)
    assert last.until == last.timestamp + timedelta(seconds=10)
    assert last.outcome is not None
    assert last.outcome.response_code == 401


def test_each_status_has_a_sum_of_its_own(desk: Desk) -> None:
    desk.refuse("192.0.2.1", 50, 401)
    desk.refuse("192.0.2.1", 30, 429)
    desk.pass_time()
    sums = {one.outcome.response_code: one.count for one in desk.entered if one.count > 1 and one.outcome}
    assert sums == {401: 50 - SINGLY, 429: 30 - SINGLY}


def test_another_window_begins_anew(desk: Desk) -> None:
    desk.refuse("192.0.2.1", 100)
    desk.pass_time()
    desk.refuse("192.0.2.1", SINGLY)
    assert told(desk.entered) == 100 + SINGLY


def test_a_user_is_counted_whatever_his_address(desk: Desk) -> None:
    for number in range(100):
        desk.refuse(f"192.0.2.{number}", user="anna", status=429)
    desk.pass_time()
    assert len(desk.entered) == SINGLY + 1
    assert desk.entered[-1].user == "anna"


def test_the_addresses_of_one_ipv6_network_are_one(desk: Desk) -> None:
    for number in range(100):
        desk.refuse(f"2001:db8::{number:x}")
    desk.pass_time()
    assert len(desk.entered) == SINGLY + 1


def test_a_flood_from_everywhere_is_bounded_and_counted(desk: Desk) -> None:
    for number in range(5000):
        desk.refuse(f"10.0.{number // 250}.{number % 250}", 2)
    desk.pass_time()
    assert len(desk.entered) <= SINGLY_IN_ALL + MOST_ADDRESSES + 1
    assert told(desk.entered) == 10_000
    others = desk.entered[-1]
    assert others.source_ip == ""
    assert others.remark


def test_the_sum_is_entered_at_the_end(desk: Desk) -> None:
    desk.refuse("192.0.2.1", 100)
    desk.refusals.flush()
    assert told(desk.entered) == 100
