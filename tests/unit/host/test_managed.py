"""The notes about files outlive the process that made them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from osapi.host.managed import ManagedFile, ManagedFiles

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
