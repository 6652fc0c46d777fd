"""Secrets on the command line: from a file, from standard input, from whoever sits at the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, FakeController, ok

from osapi.cli import secret, tree
from osapi.cli.option import BadUsage, Option
from osapi.cli.secret import Sources

PASSWORD = "Correct-Horse-7"
SET = ("user", "password", "--name", "alice", "-T", "web-01")
ONE, MANY = Option(("--key",), "key", "secret"), Option(("--keys",), "keys", "secret-list")
Given = dict[str, object]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def sources(told: list[str]) -> Sources:
    """Nobody is at the terminal; standard input holds two lines."""
    return Sources(None, lambda: "first\nsecond\n", told.append)


def typed(*lines: str) -> Callable[[str], str]:
    """Somebody who types these lines."""
    rest = list(lines)
    return lambda _: rest.pop(0)


def resolve(given: Given, sources: Sources, *, required: bool = False) -> object:
    return secret.resolve([(ONE, required), (MANY, False)], given, sources)


def test_a_value_on_the_line_is_taken_with_a_warning(sources: Sources, told: list[str]) -> None:
    assert resolve({"key": PASSWORD, "keys": ["a,b", "c"]}, sources) == {"key": PASSWORD, "keys": ["a,b", "c"]}
    assert [line.partition(":")[0] for line in told] == ["--key", "--keys", "--keys"]
    assert "list of processes" in told[0]
    assert PASSWORD not in str(told)


@pytest.mark.parametrize("content", [PASSWORD, f"{PASSWORD}\n", f"{PASSWORD}\r\n"])
def test_a_file_is_read_without_the_end_of_its_line(
    sources: Sources, told: list[str], tmp_path: Path, content: str
) -> None:
    (tmp_path / "x").write_bytes(content.encode())
    assert resolve({"key": f"@{tmp_path / 'x'}"}, sources) == {"key": PASSWORD}
    assert told == []


def test_a_value_may_begin_with_an_at_sign(sources: Sources) -> None:
    assert resolve({"key": "@@home"}, sources) == {"key": "@home"}


def test_standard_input_is_one_secret_or_one_for_each_line(sources: Sources, told: list[str]) -> None:
    assert resolve({"key_stdin": True}, sources) == {"key": "first\nsecond"}
    assert resolve({"keys_stdin": True}, sources) == {"keys": ["first", "second"]}
    assert resolve({"key": "-"}, sources) == {"key": "first\nsecond"}
    assert told == []


def test_who_is_there_is_asked_twice(sources: Sources) -> None:
    there = sources._replace(ask=typed("a", "a", "b", "b"))
    assert resolve({"keys": ["-"]}, there, required=True) == {"key": "a", "keys": ["b"]}


BAD: dict[str, tuple[Given, bool, str]] = {
    "missing": ({}, True, "missing --key; give it as @FILE, or with --key-stdin"),
    "twice": ({"key": "a", "key_stdin": True}, False, "--key and --key-stdin exclude one another"),
    "both from standard input": ({"key_stdin": True, "keys_stdin": True}, False, "taken by --key; give it as @FILE"),
    "no file": ({"key": "@/no/such"}, False, "/no/such cannot be read: No such file or directory"),
    "empty file": ({"key": "@/dev/null"}, False, "there is nothing in it"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_told(sources: Sources, name: str) -> None:
    given, required, says = BAD[name]
    with pytest.raises(BadUsage, match=says):
        resolve(given, sources, required=required)


def test_two_different_words_are_a_mistake(sources: Sources) -> None:
    with pytest.raises(BadUsage, match="something else was typed"):
        resolve({}, sources._replace(ask=typed("a", "b")), required=True)


def test_what_nobody_gave_is_left_out(sources: Sources) -> None:
    assert resolve({}, sources) == {}


def test_secrets_have_names_and_values(sources: Sources) -> None:
    there = sources._replace(ask=typed("x", "x"))
    assert secret.named(["password", "secret_env/0=A=b"], there) == {"password": "x", "secret_env/0": "A=b"}


# -- whole lines -------------------------------------------------------------------------------


def stdin(text: str) -> SimpleNamespace:
    return SimpleNamespace(buffer=io.BytesIO(text.encode()), isatty=lambda: False, readline=lambda: "")


def test_a_password_is_sent_from_standard_input(
    node: Cli, controller: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin(f"{PASSWORD}\n"))
    controller.results(ok(name="alice", changed=True))
    ran = node(*SET, "--password-stdin")
    assert controller.asked[0].path == "/api/node/web-01/user/alice/password"
    assert controller.asked[0].json == {"password": PASSWORD}
    assert (ran.status, PASSWORD in ran.out + ran.err) == (0, False)


@pytest.mark.parametrize("words", [("--password", PASSWORD), (f"--password={PASSWORD}",)])
def test_the_flag_of_old_works_and_warns(node: Cli, controller: FakeController, words: tuple[str, ...]) -> None:
    controller.results(ok(name="alice", changed=True))
    ran = node(*SET, *words, "--debug")
    assert controller.asked[0].json == {"password": PASSWORD}
    assert (ran.status, "--password: it stands in the list of processes" in ran.err) == (0, True)
    assert PASSWORD not in ran.err


def test_without_a_password_nothing_is_sent(node: Cli, controller: FakeController) -> None:
    ran = node(*SET)
    assert (ran.status, controller.asked) == (1, [])
    assert "missing --password" in ran.err


def test_an_account_needs_no_password(node: Cli, controller: FakeController) -> None:
    controller.results(ok(name="alice", changed=True))
    node("user", "create", "--name", "alice", "-T", "web-01")
    assert controller.asked[0].json == {"name": "alice"}


def test_variables_are_given_one_by_one(node: Cli, controller: FakeController, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("TOKEN=a,b\n")
    controller.results(ok(changed=True, stdout="", stderr="", exit_code=0))
    words = ("--secret-env", f"@{tmp_path / 'token'}", "--secret-env", "B=c", "--secret-input", "x")
    node("command", "shell", "--command", "true", "-T", "web-01", *words)
    assert controller.asked[0].json == {"command": "true", "secret_env": ["TOKEN=a,b", "B=c"], "secret_stdin": "x"}


def test_a_retry_is_sent_with_its_secrets(cli: Cli, controller: FakeController) -> None:
    controller.answer({"job_id": JOB, "status": "created"}, status=201)
    cli("client", "job", "retry", "--job-id", JOB, "--secret", "password=x", "--secret", "secret_env/0=A=b")
    assert controller.asked[0].json == {"secrets": {"password": "x", "secret_env/0": "A=b"}}


NEEDED = {
    "error": "secrets: password of job x cannot be sent again", "code": "secrets_needed", "details": {"fields": ["password"]},
}  # fmt: skip


def test_whoever_retries_is_asked_for_the_secrets(
    cli: Cli, controller: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.answer(NEEDED, status=400).answer({"job_id": JOB, "status": "created"}, status=201)
    monkeypatch.setattr(secret, "of_process", lambda: Sources(typed(PASSWORD, PASSWORD), str, print))
    ran = cli("client", "job", "retry", "--job-id", JOB)
    assert [asked.json for asked in controller.asked] == [{}, {"secrets": {"password": PASSWORD}}]
    assert ran.status == 0


def test_a_script_that_retries_is_told_what_is_missing(cli: Cli, controller: FakeController) -> None:
    controller.answer(NEEDED, status=400)
    ran = cli("client", "job", "retry", "--job-id", JOB)
    assert (ran.status, len(controller.asked)) == (1, 1)
    assert "password of job x cannot be sent again" in ran.err


def test_the_help_says_how_to_give_a_secret() -> None:
    leaf = tree.find("node user password")
    assert leaf is not None
    options = {option.name: option for option in leaf.options}
    assert "@FILE" in options["--password"].help
    assert (options["--password"].required, options["--password"].default) == (False, "asked for")
    assert "--password-stdin" in options
