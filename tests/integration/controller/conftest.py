"""A real broker and a real controller, once for each file, and one of one's own for what harms it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NatsServer
from tests.integration.controller.kit import ControllerProcess

MakeController = Callable[..., ControllerProcess]
ROLES = {
    "web": {
        "permissions": ["node:read", "sysctl:write", "command:execute", "job:read", "job:write"],
        "labels": {"group": "web"},
    },
    "operator": {"permissions": ["command:execute", "job:read"]},
}
UNLIMITED = {"token_per_second": 0, "anonymous_per_second": 0, "guesses_per_second": 0}
QUICK = {
    "api": {"job_timeout": "2s", "security": {"roles": ROLES}, "limits": UNLIMITED},
    "nats": {"registry": {"ttl": "10m"}},
}


@pytest.fixture(scope="module")
def shared_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def controller(shared_nats: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControllerProcess]:
    """A controller for tests that leave it as it was."""
    process = ControllerProcess(tmp_path_factory.mktemp("controller"), shared_nats.settings, QUICK)
    try:
        process.start()
        yield process
    finally:
        process.end()


@pytest.fixture
def make_controller(nats_server: NatsServer, tmp_path: Path) -> Iterator[MakeController]:
    """`make_controller(start=True, **settings)`: a controller of one's own."""
    made: list[ControllerProcess] = []

    def make(*, start: bool = True, **settings: Any) -> ControllerProcess:
        process = ControllerProcess(tmp_path / f"controller-{len(made)}", nats_server.settings, {**QUICK, **settings})
        made.append(process)
        if start:
            process.start()
        return process

    yield make
    for process in made:
        process.end()
