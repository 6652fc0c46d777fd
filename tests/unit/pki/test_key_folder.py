"""The controller's key folder: a rotation is whole or has not happened, wherever it is interrupted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from osapi.config import private
from osapi.contract.errors import Conflict, Invalid
from osapi.pki import key_folder, keys, rotations
from osapi.pki.keys import fingerprint

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    key_folder.load(tmp_path / "pki")
    return tmp_path / "pki"


def test_a_rotation_puts_a_new_key_in_place_and_the_chain_tells_of_both(folder: Path) -> None:
    old = key_folder.read(folder)
    new = key_folder.rotate(folder, NOW, DAY)
    assert (old.chain, len(new.chain)) == ((), 1)
    known = rotations.follow(new.chain, old.key.public_key)
    assert known.current == fingerprint(new.key.public_key)
    assert known.until == {fingerprint(old.key.public_key): NOW + DAY}
    assert key_folder.load(folder).key.seed == new.key.seed
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir() if not path.name.startswith(".")} == {
        "controller.key": 0o600,
        "controller.pub": 0o644,
        "controller.rotations": 0o644,
    }


@pytest.mark.parametrize("step", range(5))
def test_an_interrupted_rotation_is_finished_or_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old = key_folder.read(folder)
    written = private.replace
    done: list[Path] = []

    def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
        if len(done) == step:
            raise Invalid("the power went off")
        done.append(path)
        written(path, content, mode)

    with monkeypatch.context() as patched:
        patched.setattr(private, "replace", replace)
        if step < 4:
            with pytest.raises(Invalid, match="power"):
                key_folder.rotate(folder, NOW, DAY)
        else:
            key_folder.rotate(folder, NOW, DAY)
    found = key_folder.load(folder)
    assert len(found.chain) == (0 if step < 2 else 1)
    assert (found.key.seed == old.key.seed) is (step < 2)
    assert rotations.follow(found.chain, old.key.public_key).current == fingerprint(found.key.public_key)
    assert not (folder / "controller.next").exists()
    assert len(key_folder.rotate(folder, NOW, DAY).chain) == len(found.chain) + 1


def test_a_key_that_was_replaced_elsewhere_is_not_replaced_again(folder: Path, tmp_path: Path) -> None:
    old = (folder / "controller.key").read_bytes()
    key_folder.rotate(folder, NOW, DAY)
    private.replace(folder / "controller.key", old)
    with pytest.raises(Invalid, match="replaced already"):
        key_folder.rotate(folder, NOW, DAY)


def test_a_grace_below_zero_and_two_rotations_at_once_are_refused(folder: Path) -> None:
    with pytest.raises(Invalid, match="grace"):
        key_folder.rotate(folder, NOW, -DAY)
    lock = key_folder._lock(folder)
    try:
        with pytest.raises(Conflict):
            key_folder.rotate(folder, NOW, DAY)
    finally:
        lock.release()


@pytest.mark.parametrize("damage", [b"", b"[1]", b"\xff"])
def test_a_damaged_chain_is_named(folder: Path, damage: bytes) -> None:
    (folder / key_folder.CHAIN).write_bytes(damage)
    with pytest.raises(Invalid, match=r"controller\.rotations"):
        key_folder.load(folder)


def test_a_chain_of_other_keys_is_named(folder: Path) -> None:
    other = [keys.PrivateKey(bytes([n]) * 32) for n in (1, 2)]
    key_folder.keep_chain(folder, rotations.extended((), other[0], other[1], NOW, NOW))
    with pytest.raises(Invalid, match="does not hold"):
        key_folder.rotate(folder, NOW, DAY)
