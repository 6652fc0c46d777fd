"""How what was said on the line and in the settings reaches the programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from osapi.cli import programs
from osapi.cli.main import Globals, main
from osapi.cli.start import broker_address, environ_of
from osapi.config.keys import all_keys
from osapi.config.load import load, load_with_origin
from osapi.contract.errors import Invalid


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Line and environment of the program that this process would have become."""
    found: dict[str, Any] = {}

    def note(path: str, line: list[str], environ: dict[str, str]) -> None:
        found.update(line=line, environ=environ)

    monkeypatch.setattr("os.execve", note)
    monkeypatch.setenv("OSAPI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("OSAPI_CONTEXT", raising=False)
    return found


def agent_is_prepared(tmp_path: Path) -> None:
    (tmp_path / "data" / "pki").mkdir(parents=True)
    (tmp_path / "data" / "pki" / "controller.pub").touch()


def test_the_broker_command_becomes_the_broker(became: dict[str, Any]) -> None:
    assert main(["nats", "server", "start"]) == 0
    assert became["line"] == [sys.executable, "-P", "-m", "osapi.broker"]


def test_the_settings_file_is_passed_on(became: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "osapi.yaml"
    file.touch()
    assert main(["nats", "server", "start", "-f", str(file)]) == 0
    assert became["line"][-2:] == ["--osapi-file", str(file)]


def test_flags_are_passed_on_and_win_over_the_file(became: dict[str, Any], tmp_path: Path) -> None:
    agent_is_prepared(tmp_path)
    file = tmp_path / "osapi.yaml"
    file.write_text("agent: {max_jobs: 3, nats: {port: 5000}}")
    line = (
        f"agent start -f {file} --agent-max-jobs 7 --consumer-back-off 5s --consumer-back-off 7s,9s --consumer-max-deliver 9"
        " --agent-hostname web-01 -d -j"
    )
    assert main(line.split()) == 0
    settings = load(file, became["environ"])
    assert (settings.agent.max_jobs, settings.agent.nats.port, settings.agent.hostname) == (7, 5000, "web-01")
    assert [pause.seconds for pause in settings.agent.consumer.back_off] == [5, 7, 9]
    assert (settings.debug, settings.telemetry.log.format) == (True, "json")


@pytest.mark.parametrize("line", ["controller -p 1234 start", "controller start --port 1234"])
def test_the_port_may_stand_before_or_after_start(line: str, became: dict[str, Any]) -> None:
    assert main(line.split()) == 0
    assert load(None, became["environ"]).controller.api.port == 1234


def test_the_first_start_of_a_controller_is_announced(
    became: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["controller", "start", "-j"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"url", "token", "context"}
    assert main(["controller", "start", "-j"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"url", "context"}


def test_the_document_needs_no_settings(became: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSAPI_CONTROLLER_API_PORT", "no")
    assert main(["controller", "openapi"]) == 0
    assert became["line"][-2:] == ["osapi.controller", "openapi"]


def test_insecure_is_passed_on(became: dict[str, Any]) -> None:
    assert main(["nats", "server", "start", "--insecure"]) == 0
    assert load(None, became["environ"]).insecure


@pytest.mark.parametrize("line", ["agent start --agent-port no", "controller start -p 0", "nats server start"])
def test_faults_of_the_settings_are_told_before_anything_is_made(
    line: str,
    became: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OSAPI_NATS_KV_TTL", "1d")
    assert main(line.split()) == 1
    assert "nats.kv.ttl" in capsys.readouterr().err
    assert not became
    assert list(tmp_path.iterdir()) == []


def test_an_agent_without_a_controllers_key_does_not_start(
    became: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agent", "start"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("osapi: this agent knows no controller: ")
    assert said.count("\n") == 1
    assert not became


@pytest.mark.parametrize("key", all_keys(), ids=lambda key: key.name)
def test_the_short_way_to_a_variables_name_gives_the_same(key: Any) -> None:
    assert key.variable in (None, programs.variable(key.name))


def test_what_was_not_said_is_not_set() -> None:
    assert programs.environment(Globals(None, False, False, {}), {"A": "b"}) == {"A": "b"}


def address(text: str, tmp_path: Path, **environ: str) -> dict[str, str]:
    file = tmp_path / "osapi.yaml"
    file.write_text(text)
    loaded = load_with_origin(file, environ)
    given = broker_address(loaded)
    return {key.removeprefix("OSAPI_").lower(): value for key, value in given.items()}


def test_controller_and_agent_are_sent_to_the_embedded_broker(tmp_path: Path) -> None:
    assert address("nats: {server: {port: 5000, namespace: site}}", tmp_path) == {
        "controller_nats_host": "127.0.0.1",
        "controller_nats_port": "5000",
        "controller_nats_namespace": "site",
        "agent_nats_host": "127.0.0.1",
        "agent_nats_port": "5000",
        "agent_nats_namespace": "site",
    }


def test_an_address_that_says_the_same_is_kept(tmp_path: Path) -> None:
    text = "nats: {server: {port: 5000}}\ncontroller: {nats: {port: 5000, host: localhost}}"
    found = address(text, tmp_path, OSAPI_AGENT_NATS_PORT="5000")
    assert set(found) == {"controller_nats_namespace", "agent_nats_host", "agent_nats_namespace"}


def test_another_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"agent.nats.port: '5001' is another broker than nats.server.port \('4222'\)"):
        address("", tmp_path, OSAPI_AGENT_NATS_PORT="5001")


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        ("broker", set()),
        ("controller", {"OSAPI_CONTROLLER_API_SECURITY_SIGNING_KEY", "OSAPI_CONTROLLER_NATS_AUTH_PASSWORD"}),
        ("agent", {"OSAPI_AGENT_NATS_AUTH_PASSWORD", "OSAPI_AGENT_JOIN"}),
    ],
)
def test_no_program_gets_the_secrets_of_another(program: str, kept: set[str]) -> None:
    secrets = {key.variable: "secret" for key in all_keys() if key.secret and key.variable}
    assert len(secrets) == 5
    assert set(environ_of(program, {**secrets, "PATH": "/bin"})) == {*kept, "PATH"}
