"""The key ring: made once, private, and refused when it is weak."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.auth.kit import HOUR, NOW

from osapi.auth import keyring
from osapi.auth.keyring import KeyRing
from osapi.contract.errors import Conflict, Invalid


def test_a_ring_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tokens.json"
    ring = keyring.load_or_create(path)
    assert len(ring.signing_key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keyring.load_or_create(path) == ring
    assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]


def test_all_that_start_at_once_get_the_same_ring(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tokens.json"
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(keyring.load_or_create, [path] * 32))
    assert {ring.current for ring in rings} == {rings[0].current}


def test_every_key_of_the_file_verifies_and_the_current_one_signs(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"current": "b", "keys": {"a": "MTEx" * 11, "b": "MjIy" * 11}}))
    path.chmod(0o600)
    ring = keyring.load(path)
    assert ring.signing_key == ring.find("b", NOW) == ring.find(None, NOW) == b"2" * 33
    assert ring.find("a", NOW) == b"1" * 33
    assert ring.find("c", NOW) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"b": "' + "MTEx" * 11 + '"}}',
        '{"current": "a", "keys": {"a": "MTEx"}}',
        '{"current": "a", "keys": {"a": "not base64"}}',
    ],
)
def test_a_file_that_is_no_ring_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Invalid):
        keyring.load(path)


def test_a_ring_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "tokens.json"
    keyring.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(Invalid, match="0640"):
        keyring.load(path)


def test_a_missing_ring_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"tokens\.json"):
        keyring.load(tmp_path / "tokens.json")


def test_the_setting_is_a_ring_of_its_own() -> None:
    ring = keyring.of_setting("s" * 32)
    assert ring.signing_key == b"s" * 32


def test_a_short_setting_is_refused_with_its_name_and_the_remedy() -> None:
    with pytest.raises(Invalid, match=r"controller\.api\.security\.signing_key is 31 bytes long; at least 32"):
        keyring.of_setting("s" * 31)


def test_a_short_key_is_never_in_a_ring() -> None:
    with pytest.raises(Invalid, match="at least 32"):
        KeyRing("a", {"a": b"1" * 32, "b": b"1" * 31})


# -- rotation ------------------------------------------------------------------------------------


def test_a_rotation_adds_a_key_and_the_former_one_verifies_until_its_end(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    former = keyring.load_or_create(path)
    ring = keyring.rotate(path, NOW, HOUR)
    assert ring == keyring.load(path)
    assert ring.current != former.current
    assert ring.find(former.current, NOW + HOUR - timedelta(seconds=1)) == former.signing_key
    assert ring.find(former.current, NOW + HOUR) is None
    assert ring.find(ring.current, NOW + timedelta(days=3650)) == ring.signing_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_that_have_retired_go_at_the_next_rotation(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    first = keyring.load_or_create(path)
    second = keyring.rotate(path, NOW, HOUR)
    third = keyring.rotate(path, NOW + HOUR, HOUR)
    assert set(third.keys) == {second.current, third.current}
    assert first.current not in third.until


def test_without_grace_the_former_key_is_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    former = keyring.load_or_create(path)
    assert former.current not in keyring.rotate(path, NOW, timedelta(0)).keys


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    keyring.load_or_create(path)
    made: list[str] = []

    def rotate(_: int) -> None:
        with suppress(Conflict):
            made.append(keyring.rotate(path, NOW, HOUR).current)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotate, range(8)))
    assert made
    assert set(made) <= set(keyring.load(path).keys)


def test_a_grace_below_nothing_is_refused(tmp_path: Path) -> None:
    keyring.load_or_create(tmp_path / "tokens.json")
    with pytest.raises(Invalid, match="grace"):
        keyring.rotate(tmp_path / "tokens.json", NOW, timedelta(seconds=-1))
