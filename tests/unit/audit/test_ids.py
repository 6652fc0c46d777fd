"""Ids of entries are UUIDs of version 7 and only grow."""

from __future__ import annotations

import uuid

from osapi.audit.ids import EntryIds, compact


def test_an_id_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    made = uuid.UUID(EntryIds(lambda: 1_700_000_000.123).next())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == 1_700_000_000_123


def test_ids_only_grow_even_if_the_clock_stands_or_goes_back() -> None:
    moments = iter([5.0] * 5000 + [4.0] * 10 + [6.0])
    ids = EntryIds(lambda: next(moments))
    made = [compact(ids.next()) for _ in range(5011)]
    assert made == sorted(set(made))


def test_two_runs_do_not_make_the_same_ids() -> None:
    assert EntryIds(lambda: 1.0).next() != EntryIds(lambda: 1.0).next()
