"""JetStream may store what fits on the disk, and a small disk keeps nobody from starting."""

from __future__ import annotations

from pathlib import Path

from osapi.broker import room
from osapi.config.nats import Audit, Kv, NatsSettings, Objects, Output

LARGER_THAN_ANY_DISK = 1 << 60


def bounded(size: int) -> NatsSettings:
    return NatsSettings(output=Output(max_bytes=size))


def test_what_is_stored_counts_as_room(tmp_path: Path) -> None:
    before = room.available(tmp_path)
    (tmp_path / "stream").mkdir()
    with (tmp_path / "stream" / "1.blk").open("wb") as file:
        file.truncate(1 << 40)
    assert room.available(tmp_path) > before + (1 << 39)


def test_all_that_is_bounded_on_disk_is_reserved() -> None:
    settings = NatsSettings(
        kv=Kv(max_bytes=1), audit=Audit(max_bytes=10), objects=Objects(max_bytes=100), output=Output(max_bytes=1000)
    )
    assert room.reserved(settings) == 1112
    assert room.reserved(NatsSettings(output=Output(max_bytes=1000, storage="memory"))) == 0


def test_at_least_what_is_reserved_may_be_stored_and_a_warning_says_when_it_does_not_fit(tmp_path: Path) -> None:
    assert room.limit(tmp_path, bounded(LARGER_THAN_ANY_DISK), tmp_path / "note") == LARGER_THAN_ANY_DISK
    assert "make nats.output.max_bytes" in room.warning(tmp_path, bounded(LARGER_THAN_ANY_DISK))
    assert room.warning(tmp_path, bounded(1)) == ""


def test_what_streams_were_allowed_before_is_not_taken_from_them(tmp_path: Path) -> None:
    note = tmp_path / "note"
    for size in (LARGER_THAN_ANY_DISK, 1, 2):
        assert room.limit(tmp_path, bounded(size), note) == LARGER_THAN_ANY_DISK
    note.write_text("nonsense")
    assert room.limit(tmp_path, bounded(1), note) < LARGER_THAN_ANY_DISK
