"""The notes about files outlive the process that made them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from osapi.contract.files import ContentType
from osapi.host.managed import ManagedFile, ManagedFiles, Source

pytestmark = pytest.mark.anyio

NOTE = ManagedFile(
    path="/etc/sysctl.d/osapi-vm.swappiness.conf",
    sha256="00",
    operation="node.sysctl.create",
    job_id="j1",
    recorded=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    settled=False,
    metadata={"previous": "60 ä\n"},
)


async def test_a_note_is_there_again_after_a_restart(tmp_path: Path) -> None:
    first = ManagedFiles(tmp_path / "managed.db")
    await first.put(NOTE)
    first.close()
    first.close()
    second = ManagedFiles(tmp_path / "managed.db")
    assert await second.get(NOTE.path) == NOTE
    assert await second.below("/etc/") == [NOTE]
    second.close()


async def test_a_prefix_is_text_and_no_pattern() -> None:
    notes = ManagedFiles(None)
    await notes.put(NOTE)
    assert await notes.below("/etc/%") == []
    assert await notes.below("/ETC") == []
    notes.close()


async def test_every_change_is_told_once(tmp_path: Path) -> None:
    notes = ManagedFiles(tmp_path / "managed.db")
    assert (await notes.untold(), notes.changed.is_set()) == ([], False)
    await notes.put(NOTE)
    (first,) = await notes.untold()
    assert (first.note, first.forgotten, notes.changed.is_set()) == (NOTE, None, True)
    await notes.tell(first)
    assert await notes.untold() == []
    await notes.put(replace(NOTE, sha256="01"))
    await notes.tell(first)  # of the former note; the new one is still to be told
    (second,) = await notes.untold()
    assert second.note.sha256 == "01"
    notes.close()


async def test_what_is_forgotten_is_told_after_a_restart_and_then_gone(tmp_path: Path) -> None:
    when = datetime(2026, 2, 3, tzinfo=UTC)
    notes = ManagedFiles(tmp_path / "managed.db")
    await notes.put(NOTE)
    await notes.forget(NOTE.path, when)
    await notes.forget(NOTE.path, datetime.now(UTC))
    assert (await notes.get(NOTE.path), await notes.below("/")) == (None, [])
    notes.close()
    notes = ManagedFiles(tmp_path / "managed.db")
    (gone,) = await notes.untold()
    assert (gone.note, gone.forgotten) == (NOTE, when)
    await notes.tell(gone)
    assert await notes.untold() == []
    notes.close()


async def test_the_oldest_change_is_told_first() -> None:
    notes = ManagedFiles(None)
    for path in ("/c", "/a", "/b", "/c"):
        await notes.put(replace(NOTE, path=path))
    assert [untold.note.path for untold in await notes.untold()] == ["/a", "/b", "/c"]
    assert [untold.note.path for untold in await notes.untold(limit=2)] == ["/a", "/b"]
    notes.close()


async def test_a_note_keeps_everything_it_is_told() -> None:
    source = Source(
        object_name="app.conf",
        sha256="11",
        content_type=ContentType.TEMPLATE,
        vars={"a": [1, {"b": None}]},
        facts=("os",),
        facts_sha256="22",
    )
    note = replace(NOTE, mode=0o4755, owner="app", group="4711", source=source, pending="33", rendered="44")
    notes = ManagedFiles(None)
    await notes.put(note)
    assert await notes.get(note.path) == note
    notes.close()


async def test_it_is_remembered_which_file_was_put_back() -> None:
    notes = ManagedFiles(None)
    await notes.put(NOTE)
    assert await notes.restored(NOTE.path) is None
    await notes.forget(NOTE.path, datetime.now(UTC), "55")
    (gone,) = await notes.untold()
    await notes.tell(gone)
    assert (await notes.untold(), await notes.get(NOTE.path), await notes.restored(NOTE.path)) == ([], None, "55")
    await notes.put(NOTE)
    assert await notes.restored(NOTE.path) is None
    notes.close()


async def test_a_note_is_exchanged_only_as_long_as_it_is_the_same() -> None:
    notes = ManagedFiles(None)
    await notes.put(NOTE)
    assert await notes.exchange(NOTE, replace(NOTE, rendered="1"))
    assert not await notes.exchange(NOTE, replace(NOTE, rendered="2"))
    found = await notes.get(NOTE.path)
    assert found is not None
    assert found.rendered == "1"
    notes.close()
