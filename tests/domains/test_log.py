"""Bounds of what the journal may answer, and the ways to write a point in time."""

from __future__ import annotations

import msgspec
import pytest

from osapi.agent.bounds import LIMIT_BYTES
from osapi.domains.log import journal, since
from osapi.domains.log.models import LogEntries


def line(message: object, at: int = 1) -> bytes:
    return msgspec.json.encode({"__REALTIME_TIMESTAMP": str(at), "MESSAGE": message}) + b"\n"


def test_the_latest_entries_stay_when_not_all_fit() -> None:
    output = b"".join(line("x" * 1000, at) for at in range(10_000))
    entries, truncated = journal.entries(output, cut=False)
    assert truncated
    assert len(msgspec.json.encode(LogEntries(entries=entries))) < LIMIT_BYTES
    assert len(entries) > 600
    assert [entry.timestamp.microsecond for entry in entries] == list(range(10_000 - len(entries), 10_000))


def test_the_newest_may_come_first() -> None:
    output = b"".join(line(f"{at}", at) for at in (3, 2, 1))
    assert [entry.message for entry in journal.entries(output, cut=False, newest_first=True)[0]] == ["1", "2", "3"]
    cut = line("new") + b"\n[osapi: 7 bytes left out]\n" + line("old")
    assert [entry.message for entry in journal.entries(cut, cut=True, newest_first=True)[0]] == ["new"]


def test_one_endless_message_does_not_push_out_the_others() -> None:
    entries, truncated = journal.entries(line("one") + line("\x01" * 2_000_000) + line("two"), cut=False)
    assert [entry.message[:3] for entry in entries] == ["one", "\x01" * 3, "two"]
    assert "the middle is left out" in entries[1].message
    assert not truncated


def test_nothing_from_before_a_gap_in_the_output_is_told() -> None:
    output = line("old") + line("cut")[:-20] + b"\n[osapi: 7 bytes left out]\n" + line("new")
    entries, truncated = journal.entries(output, cut=True)
    assert ([entry.message for entry in entries], truncated) == (["new"], True)


@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, ""])
def test_a_time_that_is_none_is_no_entry(value: str) -> None:
    text = msgspec.json.encode({"__REALTIME_TIMESTAMP": value, "MESSAGE": "a"})
    entries, truncated = journal.entries(text, cut=False)
    assert (len(entries), truncated) in ((0, True), (1, False))


def test_odd_fields_do_not_stop_it() -> None:
    odd = {"__REALTIME_TIMESTAMP": "1", "MESSAGE": [[300, -1], None, "a"], "_PID": "²", "PRIORITY": "99"}
    (entry,), _ = journal.entries(msgspec.json.encode(odd), cut=False)
    assert (entry.pid, entry.priority) == (None, "")


def test_identifiers_are_bounded() -> None:
    output = b"".join(b"%08d\n" % number for number in range(100_000))
    names, truncated = journal.sources(output, cut=False)
    assert truncated
    assert len(msgspec.json.encode(names)) <= journal.SOURCES_LIMIT + 1


@pytest.mark.parametrize("text", ["2026-02-30", "2026-01-01 24:30", "2026-01-01T10:61:00Z", "0000-01-01"])
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no point in time"):
        since.check(text)
