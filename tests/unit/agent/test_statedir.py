"""The agent's folder is for one agent, and private."""

from __future__ import annotations

from pathlib import Path

import pytest

from osapi.agent.statedir import StateDir
from osapi.contract.errors import Conflict, Invalid


def test_a_second_agent_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = StateDir(tmp_path / "state")
    with pytest.raises(Conflict, match=r"is in use by process \d+; .* give this agent its own agent\.state_dir"):
        StateDir(tmp_path / "state")
    first.release()
    first.release()
    StateDir(tmp_path / "state").release()


def test_the_folder_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "a" / "state")
    assert state.path.stat().st_mode & 0o777 == 0o700
    assert state.ledger.parent == state.path
    state.release()


def test_its_databases_are_the_owners_alone_also_those_of_an_older_version(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name in ("ledger.db", "ledger.db-wal"):
        (folder / name).write_bytes(b"")
        (folder / name).chmod(0o644)
    StateDir(folder).release()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.db*")}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "managed.db": 0o600}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid, match="cannot be made"):
        StateDir(tmp_path / "file" / "state")


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state" / "agent.lock").mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    with pytest.raises(Invalid, match="cannot be written"):
        StateDir(tmp_path / "state")
