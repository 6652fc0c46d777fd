"""The command line's part of a trace, and where metrics are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tracing import PARENT, TRACE
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import FakeController, ok

from osapi.config import client as config_client
from osapi.telemetry import tracing

ON = {"OSAPI_TELEMETRY_TRACING_ENABLED": "true", "TRACEPARENT": PARENT}


def test_a_traced_command_hands_its_trace_to_the_controller(
    cli: Cli, controller: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    controller.results(ok())
    ran = cli("client", "node", "hostname", "get", "-T", "web-01", "--debug")
    assert ran.status == 0
    header = controller.asked[0].headers["traceparent"]
    assert tracing.trace_id(header) == TRACE
    assert header.split("-")[2] != PARENT.split("-")[2]
    assert f"trace {TRACE}" in ran.err
    assert not tracing.is_on()


def test_an_untraced_one_sends_no_header(cli: Cli, controller: FakeController) -> None:
    controller.results(ok())
    cli("client", "node", "hostname", "get", "-T", "web-01")
    assert "traceparent" not in controller.asked[0].headers


@pytest.mark.parametrize(("value", "may"), [("true", True), ("1", True), ("false", False), ("0", False), ("", False)])
def test_the_environment_decides(value: str, may: bool) -> None:
    assert config_client.may_trace(environ={"OSAPI_TELEMETRY_TRACING_ENABLED": value}) is may


@pytest.mark.parametrize(
    ("content", "may"), [("telemetry: {tracing: {enabled: true}}", True), ("debug: true", False), (None, False)]
)
def test_without_it_a_file_that_speaks_of_tracing_is_worth_reading(
    tmp_path: Path, content: str | None, may: bool
) -> None:
    file = tmp_path / "osapi.yaml"
    if content is not None:
        file.write_text(content)
    assert config_client.may_trace(osapi_file=str(file), environ={}) is may


def test_the_places_of_metrics_are_listed(cli: Cli, controller: FakeController) -> None:
    groups: list[dict[str, Any]] = [
        {"targets": ["web-01:9091"], "labels": {"component": "agent", "hostname": "web-01"}},
        {"targets": ["127.0.0.1:9090"], "labels": {"component": "controller", "hostname": "ctl"}},
    ]
    controller.answer(groups)
    ran = cli("client", "health", "targets")
    assert controller.asked[0].path == "/api/discovery/prometheus"
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["COMPONENT", "HOSTNAME", "TARGET"],
        ["agent", "web-01", "web-01:9091"],
        ["controller", "ctl", "127.0.0.1:9090"],
    ]
