from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from osapi.auth import keyring
from osapi.cli.main import main


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSAPI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("OSAPI_CONTEXT", raising=False)
    keyring.load_or_create(tmp_path / "keys" / "tokens.json")


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(("token", *words, "--json")) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(("token", *words)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_what_was_made_is_valid_and_says_what_it_may(capsys: pytest.CaptureFixture[str]) -> None:
    made = printed(capsys, "generate", "-r", "read,write", "-u", "me", "-p", "sysctl:read", "-p", "node:read")
    assert (made["subject"], made["roles"], made["permissions"]) == (
        "me",
        ["read", "write"],
        ["sysctl:read", "node:read"],
    )
    found = printed(capsys, "validate", "-t", made["token"])
    assert found["roles"] == ["read", "write"]
    assert found["permissions"] == ["sysctl:read", "node:read"]
    assert found["effective_permissions"] == ["node:read", "sysctl:read"]
    assert found["audience"] == ["osapi"]
    assert found["issued"] < found["expires"]
    assert found["expires"].endswith("Z")


def test_people_get_one_line_for_each_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("token", "generate", "--roles", "read", "--subject", "me")) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["Token", "Subject", "Roles", "Id"]
    assert (lines["Subject"], lines["Roles"]) == ("me", "read")
    assert main(("token", "validate", "--token", lines["Token"])) == 0
    out = capsys.readouterr().out
    assert "\nEffective Permissions: agent:read, certificate:read, " in out


def test_a_lifetime_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    made = printed(capsys, "generate", "-r", "read", "-u", "me", "--lifetime", "720h")
    found = printed(capsys, "validate", "-t", made["token"])
    assert found["expires"][:10] > found["issued"][:10]


def test_a_token_can_be_saved_for_the_client(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = printed(capsys, "generate", "-r", "read", "-u", "me", "--save")
    assert made["context"] == str(tmp_path / "config" / "osapi" / "context.json")
    assert json.loads(Path(made["context"]).read_text())["token"] == made["token"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("-r", "root", "-u", "me"), "unknown role root; there are admin, read, write"),
        (("-r", "read", "-u", "me", "-p", "sysctl:reed"), "sysctl:reed"),
        (("-r", "read", "-u", "me", "--lifetime", "1d"), "--lifetime: '1d' is no duration"),
        (("-r", "read", "-u", "me", "--lifetime", "0"), "lifetime"),
        (("-r", "read", "-u", ""), "subject is empty"),
        (("-r", "read"), "Missing option"),
        (("-u", "me"), "Missing option"),
    ],
)
def test_what_cannot_be_made_is_told(words: tuple[str, ...], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert part in refused(capsys, "generate", *words)


def test_roles_of_the_settings_can_be_given(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "osapi.yaml"
    file.write_text("controller: {api: {security: {roles: {ops: {permissions: ['sysctl:write']}}}}}")
    made = printed(capsys, "generate", "-r", "ops", "-u", "me", "-f", str(file))
    assert printed(capsys, "validate", "-t", made["token"], "-f", str(file))["effective_permissions"] == [
        "sysctl:write"
    ]


@pytest.mark.parametrize("text", ["", "x", "a.b.c"])
def test_a_bad_token_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "validate", "-t", text) == "osapi: a valid bearer token is required\n"


def test_a_token_of_another_installation_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = printed(capsys, "generate", "-r", "read", "-u", "me")
    monkeypatch.setenv("OSAPI_DATA_DIR", str(tmp_path / "other"))
    keyring.load_or_create(tmp_path / "other" / "keys" / "tokens.json")
    assert "a valid bearer token is required" in refused(capsys, "validate", "-t", made["token"])


@pytest.mark.parametrize("words", [("generate", "-r", "read", "-u", "me"), ("validate", "-t", "x")])
def test_without_a_key_nothing_is_made_up(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSAPI_DATA_DIR", str(tmp_path / "empty"))
    assert "`osapi controller start` makes it" in refused(capsys, *words)
    assert not (tmp_path / "empty").exists()
