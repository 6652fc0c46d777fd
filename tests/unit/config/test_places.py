"""Paths, private files, client context, broker connection and exposure."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from osapi.config import client, connection, private
from osapi.config.agent import Agent, Nats
from osapi.config.fields import ClientAuth
from osapi.config.listening import is_loopback, refuse_exposed
from osapi.config.paths import paths
from osapi.config.settings import Settings
from osapi.config.source import DEFAULT
from osapi.contract.errors import Invalid


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_paths_lie_below_the_data_folder(tmp_path: Path) -> None:
    found = paths(Settings(data_dir=str(tmp_path)))
    assert found.tokens == tmp_path / "keys" / "tokens.json"
    assert found.pki == found.agent_pki == tmp_path / "pki"
    assert found.controller_public_key == tmp_path / "pki" / "controller.pub"
    assert found.seed("agent") == tmp_path / "nkeys" / "agent.seed"
    assert found.agent_state == tmp_path / "agent"


def test_a_chosen_folder_replaces_the_one_below_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), agent=Agent(state_dir="/var/lib/a2"))
    assert paths(settings).agent_state == Path("/var/lib/a2")


def test_root_keeps_data_in_var_and_others_in_the_xdg_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert paths(Settings(), {}).data_dir == Path("/var/lib/osapi")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert paths(Settings(), {"HOME": "/home/me"}).data_dir == Path("/home/me/.local/state/osapi")
    assert paths(Settings(), {"HOME": "/home/me", "XDG_STATE_HOME": "/state"}).data_dir == Path("/state/osapi")


def test_a_private_file_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    folder = private.private_dir(tmp_path / "keys")
    assert private.create(folder / "k", b"one")
    assert not private.create(folder / "k", b"two")
    assert (folder / "k").read_bytes() == b"one"
    assert (mode(folder), mode(folder / "k")) == (0o700, 0o600)
    assert [path.name for path in folder.iterdir()] == ["k"]


def test_of_many_writers_one_wins_and_nobody_sees_half_a_file(tmp_path: Path) -> None:
    contents = [bytes([65 + n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda content: private.create(tmp_path / "k", content), contents))
    assert won.count(True) == 1
    assert (tmp_path / "k").read_bytes() == contents[won.index(True)]


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    with pytest.raises(Invalid, match=r"mode 0770.*chmod 0700"):
        private.private_dir(tmp_path)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("secret")
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(Invalid, match=r"mode 0640.*chmod 0600"):
        private.read(tmp_path / "k")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="file/below cannot be made"):
        private.private_dir(tmp_path / "file" / "below")


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"OSAPI_CONTEXT": str(tmp_path / "context" / "context.json"), **more}


def test_the_context_is_saved_for_its_owner_and_read_back(tmp_path: Path) -> None:
    path = Path(client.save(client.Context("http://127.0.0.1:1", "t"), environ(tmp_path)))
    assert mode(path) == 0o600
    assert client.load(environ(tmp_path)) == client.Context("http://127.0.0.1:1", "t")


@pytest.mark.parametrize("content", ["{", "[]", '{"url": "x"}'])
def test_a_damaged_context_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "c").write_text(content)
    with pytest.raises(Invalid, match=r"client context .* cannot be used"):
        client.load({"OSAPI_CONTEXT": str(tmp_path / "c")})


def test_the_context_lies_in_the_xdg_config_folder() -> None:
    assert client.context_path({"HOME": "/home/me"}) == "/home/me/.config/osapi/context.json"
    assert client.context_path({"HOME": "/home/me", "XDG_CONFIG_HOME": "/cfg"}) == "/cfg/osapi/context.json"


def test_flags_beat_environment_beats_file_beats_context_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "osapi.yaml"
    file.write_text("Controller: {client: {URL: 'http://file:1', security: {bearer_token: file}}}")
    env = environ(tmp_path)
    assert client.resolve(environ=env) == client.Context(client.DEFAULT_URL, "")
    client.save(client.Context("http://saved:1", "saved"), env)
    assert client.resolve(environ=env) == client.Context("http://saved:1", "saved")
    assert client.resolve(osapi_file=str(file), environ=env) == client.Context("http://file:1", "file")
    variables = {
        "OSAPI_CONTROLLER_CLIENT_URL": "http://env:1",
        "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": "env",
        "OSAPI_OSAPIFILE": str(file),
    }
    assert client.resolve(environ={**env, **variables}) == client.Context("http://env:1", "env")
    flags = client.resolve(url="http://flag:1", token="flag", environ={**env, **variables})
    assert flags == client.Context("http://flag:1", "flag")


def test_a_saved_token_is_not_sent_to_another_address(tmp_path: Path) -> None:
    env = environ(tmp_path)
    client.save(client.Context("http://saved:1", "saved"), env)
    assert client.resolve(url="http://elsewhere:1", environ=env) == client.Context("http://elsewhere:1", "")
    assert client.resolve(url="http://saved:1/", environ=env) == client.Context("http://saved:1/", "saved")


def test_the_default_file_is_the_same_for_client_and_programs() -> None:
    assert str(DEFAULT) == client.DEFAULT_FILE


@pytest.mark.parametrize(
    ("host", "servers"),
    [
        ("localhost", ("nats://localhost:4222",)),
        ("a, b:4223", ("nats://a:4222", "nats://b:4223")),
        ("::1", ("nats://[::1]:4222",)),
        ("[::1]:4223", ("nats://[::1]:4223",)),
        ("[::1]", ("nats://[::1]:4222",)),
    ],
)
def test_several_broker_hosts_stand_in_one_setting(host: str, servers: tuple[str, ...], tmp_path: Path) -> None:
    assert connection.of(Nats(host=host), tmp_path / "none").servers == servers


def test_the_generated_seed_is_used_when_it_is_there(tmp_path: Path) -> None:
    seed = tmp_path / "agent.seed"
    assert connection.of(Nats(), seed).nkey_file is None
    seed.touch()
    assert connection.of(Nats(), seed).nkey_file == seed
    assert connection.of(Nats(auth=ClientAuth(type="none")), seed).nkey_file is None
    password = connection.of(Nats(auth=ClientAuth(type="user_pass", username="u", password="p")), seed)
    assert (password.username, password.password, password.nkey_file) == ("u", "p", None)


def test_a_seed_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nkey seed .* does not exist"):
        connection.of(Nats(auth=ClientAuth(type="nkey")), tmp_path / "agent.seed")


def test_a_password_does_not_show_in_a_connection(tmp_path: Path) -> None:
    found = connection.of(Nats(auth=ClientAuth(type="user_pass", username="u", password="p4ss")), tmp_path / "x")
    assert "p4ss" not in repr(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_tls(host: str) -> None:
    assert is_loopback(host)
    refuse_exposed("controller.api.host", host, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "", "web-01", "localhost.evil.test"])
def test_other_addresses_are_refused_unless_insecure(host: str) -> None:
    refuse_exposed("controller.api.host", host, insecure=True)
    with pytest.raises(
        Invalid, match=r"controller.api.host: .* use 127.0.0.1, set up TLS .*, or start with --insecure"
    ):
        refuse_exposed("controller.api.host", host, insecure=False)


def test_the_context_file_is_json(tmp_path: Path) -> None:
    path = Path(client.save(client.Context("u", "t"), environ(tmp_path)))
    assert json.loads(path.read_text()) == {"url": "u", "token": "t"}
