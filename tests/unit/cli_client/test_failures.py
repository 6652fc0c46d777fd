from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, FakeController, ok


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_an_unreachable_controller_is_told_with_what_to_do(node: Cli) -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    ran = node("hostname", "get", "--url", url)
    assert ran.status == 1
    assert ran.err.startswith(f"osapi: cannot connect to {url}: Connection refused\n")
    assert "osapi start" in ran.err
    assert "--url" in ran.err
    assert ran.out == ""


def test_a_connection_that_breaks_tells_how_to_ask_again(node: Cli, controller: FakeController) -> None:
    controller.answer(hang_up=True)
    ran = node("hostname", "update", "--name", "x", "-T", "a")
    key = controller.asked[0].headers["idempotency-key"]
    assert ran.status == 1
    assert f"--idempotency-key {key}" in ran.err


def test_a_refused_token_is_told_with_what_to_do(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "a valid bearer token is required", "code": "unauthenticated"}, status=401)
    ran = node("hostname", "get")
    assert ran.status == 1
    assert ran.err.startswith("osapi: a valid bearer token is required\n  The token has expired")
    assert "osapi token generate" in ran.err


def test_a_missing_token_is_told_with_what_to_do(
    node: Cli, controller: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN")
    controller.answer({"error": "a valid bearer token is required"}, status=401)
    ran = node("hostname", "get")
    assert "No token is known for this address" in ran.err
    assert "authorization" not in controller.asked[0].headers


def test_a_missing_permission_is_told_as_the_controller_words_it(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "this needs the permission node:read", "code": "forbidden"}, status=403)
    ran = node("hostname", "get")
    assert (ran.status, ran.err) == (1, "osapi: this needs the permission node:read\n")


def test_nobody_answering_is_a_status_of_its_own(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "web-01 did not answer within 30 s", "code": "no_answer", "job_id": JOB}, status=504)
    ran = node("hostname", "get", "-T", "web-01")
    assert ran.status == 4
    assert f"osapi client job get --job-id {JOB}" in ran.err


def test_something_else_at_the_address_is_told(node: Cli, controller: FakeController) -> None:
    controller.answer(["not", "osapi"])
    ran = node("hostname", "get")
    assert ran.status == 1
    assert "Something else may listen" in ran.err


def test_an_address_that_is_none_is_told(node: Cli) -> None:
    ran = node("hostname", "get", "--url", "web-01:8080")
    assert ran.status == 1
    assert "http://HOST:PORT" in ran.err


def test_with_json_a_failure_is_json_too(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "no", "code": "not_managed", "job_id": JOB, "details": {"a": 1}}, status=404)
    ran = node("sysctl", "get", "--key", "a.b", "-T", "a", "--json")
    assert ran.out == ""
    assert json.loads(ran.err) == {
        "error": "no",
        "status": 404,
        "code": "not_managed",
        "details": {"a": 1},
        "job_id": JOB,
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sysctl", "get"), "missing --key"),
        (("sysctl", "create"), "missing --key, --value"),
        (("sysctl", "get", "--key"), "--key"),
        (("sysctl", "get", "--nope"), "--nope"),
        (("command", "shell", "--command", "x", "--timeout", "soon"), "--timeout: 'soon' is no whole number"),
        (("os", "get", "--wait", "long"), "--wait: 'long' is no number"),
        (("os", "get", "--wait", "-1"), "0 to 3600 seconds"),
        (("os", "get", "--wait", "nan"), "0 to 3600 seconds"),
        (("sysctl", "delete", "--key", "a.b", "--idempotency-key", "a b"), "visible ASCII"),
        (("sysctl", "delete", "--key", "a.b", "--idempotency-key", "a\nx: y"), "visible ASCII"),
        (("sysctl", "delete", "--key", "a.b", "--idempotency-key", ""), "visible ASCII"),
        (("os", "get", "-o", "xml"), "use one of table, wide, json, jsonl"),
        (("os", "get", "web-01"), "web-01"),
        (("os", "get", "--yes"), "--yes"),
        (("nothing",), "nothing"),
    ],
)
def test_a_mistake_on_the_line_is_named(
    node: Cli, controller: FakeController, words: tuple[str, ...], told: str
) -> None:
    ran = node(*words)
    assert ran.status == 1
    assert told in ran.err
    assert controller.asked == []


def test_debug_tells_what_is_sent(node: Cli, controller: FakeController) -> None:
    controller.results(ok())
    ran = node("hostname", "get", "-d")
    assert ran.err.startswith(f"> GET {controller.url}/api/node/_all/hostname\n< 200 after ")


def test_a_broken_settings_file_is_named(node: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSAPI_CONTROLLER_CLIENT_URL")
    file = tmp_path / "osapi.yaml"
    ran = node("hostname", "get", "-f", str(file))
    assert ran.status == 1
    assert str(file) in ran.err


def test_address_and_token_come_from_the_settings_file(
    node: Cli, controller: FakeController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OSAPI_CONTROLLER_CLIENT_URL")
    monkeypatch.delenv("OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN")
    file = tmp_path / "osapi.yaml"
    file.write_text(
        f"controller:\n  client:\n    url: {controller.url}\n    security:\n      bearer_token: from-file\n"
    )
    controller.results(ok())
    assert node("-f", str(file), "hostname", "get").status in (0, 1)
    assert node("hostname", "get", "--osapi-file", str(file)).status == 0
    assert controller.asked[-1].headers["authorization"] == "Bearer from-file"
