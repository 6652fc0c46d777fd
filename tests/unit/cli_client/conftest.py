"""Fixtures of the client CLI's tests: a server with canned answers, and a way to run the program against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.unit.sdk.kit import TOKEN, FakeController

from osapi.cli import entry


class Ran(NamedTuple):
    """What a run left behind."""

    status: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture
def controller() -> Iterator[FakeController]:
    with FakeController().running() as controller:
        yield controller


@pytest.fixture
def cli(
    controller: FakeController, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """`cli("client", "node", …)` runs the program in this process against `controller`."""
    monkeypatch.setenv("OSAPI_CONTROLLER_CLIENT_URL", controller.url)
    monkeypatch.setenv("OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN", TOKEN)
    monkeypatch.setenv("OSAPI_CONTEXT", str(tmp_path / "context.json"))

    def run(*words: str) -> Ran:
        status = entry.main(list(words))
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def node(cli: Cli) -> Cli:
    """`node("sysctl", "list")` runs a command below `osapi client node`."""
    return lambda *words: cli("client", "node", *words)
