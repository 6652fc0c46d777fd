from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from osapi.auth import keyring, tokens
from osapi.auth.roles import BUILT_IN
from osapi.cli import first_start
from osapi.cli.first_start import Found
from osapi.config import client
from osapi.config.agent import Agent
from osapi.config.client import Context
from osapi.config.controller import Api, ApiSecurity, Controller, Role
from osapi.config.paths import paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid

KEY = "k" * 40


def settings(folder: Path, **api: object) -> Settings:
    return Settings(data_dir=str(folder / "data"), controller=Controller(api=Api(**api)))  # type: ignore[arg-type]


def environ(folder: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}


def start(folder: Path, **api: object) -> Found:
    chosen = settings(folder, **api)
    return first_start.controller(chosen, paths(chosen), environ(folder))


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_the_first_start_makes_everything_for_its_owner_only(tmp_path: Path) -> None:
    start(tmp_path)
    found = modes(tmp_path)
    public = {"data/nkeys/broker.nkey", "data/nkeys/controller.nkey", "data/pki/controller.pub"}
    assert {name for name, mode in found.items() if mode & 0o077} == public
    assert {
        "data/keys/tokens.json",
        "data/pki/controller.key",
        "data/nkeys/broker.seed",
        "config/osapi/context.json",
    } < set(found)


def test_the_token_is_that_of_an_administrator_for_a_day(tmp_path: Path) -> None:
    found = start(tmp_path)
    ring = keyring.load(tmp_path / "data" / "keys" / "tokens.json")
    now = datetime.now(UTC)
    identity = tokens.verify(found.token, ring, BUILT_IN, frozenset(), now)
    assert (identity.subject, identity.roles) == ("admin", ("admin",))
    assert timedelta(hours=23) < datetime.fromtimestamp(identity.expires, UTC) - now <= timedelta(hours=24)


def test_the_client_of_this_user_is_set_up(tmp_path: Path) -> None:
    found = start(tmp_path, port=1234)
    assert client.load(environ(tmp_path)) == client.Context("http://127.0.0.1:1234", found.token)
    assert found.context == str(tmp_path / "config" / "osapi" / "context.json")


def test_a_second_start_changes_nothing_and_shows_no_token(tmp_path: Path) -> None:
    start(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert start(tmp_path) == Found("http://127.0.0.1:8080", "", str(tmp_path / "config" / "osapi" / "context.json"))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_start_that_broke_off_before_its_end_is_a_first_start_again(tmp_path: Path) -> None:
    start(tmp_path)
    (tmp_path / "data" / "pki" / "controller.key").unlink()
    (tmp_path / "data" / "pki" / "controller.pub").unlink()
    assert start(tmp_path).token


def test_a_saved_token_that_is_no_longer_good_is_renewed(tmp_path: Path) -> None:
    start(tmp_path)
    client.save(client.Context("http://127.0.0.1:8080", "old"), environ(tmp_path))
    assert start(tmp_path).token == ""
    ring = keyring.load(tmp_path / "data" / "keys" / "tokens.json")
    saved = client.load(environ(tmp_path)).token
    assert tokens.verify(saved, ring, BUILT_IN, frozenset(), datetime.now(UTC)).subject == "admin"


def test_the_context_of_another_controller_is_left_alone(tmp_path: Path) -> None:
    client.save(client.Context("https://far.test", "theirs"), environ(tmp_path))
    found = start(tmp_path)
    assert client.load(environ(tmp_path)) == client.Context("https://far.test", "theirs")
    assert found.context == ""
    assert "stays with https://far.test" in found.remark
    assert found.token


def test_a_context_that_cannot_be_written_does_not_keep_the_controller_from_starting(tmp_path: Path) -> None:
    (tmp_path / "config").touch()
    found = start(tmp_path)
    assert found.token
    assert "osapi client is not set up" in found.remark


def test_with_a_signing_key_in_the_settings_no_key_ring_is_made(tmp_path: Path) -> None:
    found = start(tmp_path, security=ApiSecurity(signing_key=KEY))
    assert not (tmp_path / "data" / "keys").exists()
    assert tokens.verify(found.token, keyring.of_setting(KEY), BUILT_IN, frozenset(), datetime.now(UTC))


def test_an_unknown_permission_of_a_role_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"roles\.ops\.permissions"):
        start(tmp_path, security=ApiSecurity(roles={"ops": Role(permissions=["sysctl:reed"])}))
    assert list(tmp_path.iterdir()) == []


def test_listening_for_others_without_tls_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"controller\.api\.host: 0\.0\.0\.0 can be reached"):
        start(tmp_path, host="0.0.0.0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("::", "http://[::1]:8080"),
        ("api.test", "http://api.test:8080"),
    ],
)
def test_the_address_is_one_this_machine_can_use(host: str, url: str, tmp_path: Path) -> None:
    chosen = settings(tmp_path, host=host)
    assert first_start.context_of(chosen, paths(chosen)) == Context(url)


def test_an_agent_that_knows_no_controller_is_told_how_to_join_one(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    places = replace(paths(chosen), agent_pki=tmp_path / "agent-pki")
    with pytest.raises(Invalid, match=r"knows no controller: make a join token .* --join TOKEN"):
        first_start.require_controller(chosen, places)
    first_start.require_controller(replace_join(chosen), places)
    places.data_dir.mkdir()
    places.local_join.touch()
    first_start.require_controller(chosen, places)


def replace_join(chosen: Settings) -> Settings:
    return msgspec.structs.replace(chosen, agent=Agent(join="@/a/file"))


FIRST = Found("http://h:1", token="SECRET", context="/c")


def test_the_first_announcement_holds_address_and_token(capsys: pytest.CaptureFixture[str]) -> None:
    first_start.announce(FIRST, {}, as_json=False)
    out = capsys.readouterr().out
    assert out.startswith("OSAPI  http://h:1\n")
    assert "\n  SECRET\n" in out


def test_a_later_announcement_holds_the_address_only(capsys: pytest.CaptureFixture[str]) -> None:
    first_start.announce(Found("http://h:1", context="/c"), {}, as_json=False)
    assert capsys.readouterr().out == "OSAPI  http://h:1\n"


def test_the_announcement_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    first_start.announce(FIRST, {}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"url": "http://h:1", "token": "SECRET", "context": "/c"}


@pytest.mark.parametrize("as_json", [True, False])
def test_the_token_is_kept_out_of_the_journal(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    first_start.announce(FIRST, {"JOURNAL_STREAM": "8:1"}, as_json=as_json)
    assert "SECRET" not in capsys.readouterr().out
