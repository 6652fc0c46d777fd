"""One installation with two agents for all tests here: real broker, controller and agents as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.integration.programs.conftest import ENOUGH_S, Installation, Running, until

from osapi.sdk.client import Client

SECOND = "secondmachine"


class Fleet:
    """A running installation and how to talk to it."""

    def __init__(self, installation: Installation, running: Running) -> None:
        self.installation = installation
        self.running = running

    @property
    def url(self) -> str:
        return self.installation.context["url"]

    @property
    def token(self) -> str:
        return self.installation.context["token"]

    def client(self) -> Client:
        return Client(self.url, self.token)

    def cli(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`osapi client …` as the user who has started the installation."""
        return subprocess.run(
            [sys.executable, "-m", "osapi.cli.entry", "client", *words],
            env=self.installation.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENOUGH_S,
            check=False,
        )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    installation = Installation(tmp_path_factory.mktemp("fleet"))
    try:
        running = installation.spawn("start")
        until(lambda: running.out.endswith("\n") or running.process.poll() is not None, "the announcement")
        assert running.process.poll() is None, running.err
        found = Fleet(installation, running)
        state = installation.folder / "second"
        with found.client() as client:
            join = client.agents.join_token().token
        installation.spawn(
            "agent",
            "start",
            OSAPI_AGENT_MACHINE_ID=SECOND,
            OSAPI_AGENT_HOSTNAME="second",
            OSAPI_AGENT_STATE_DIR=str(state),
            OSAPI_AGENT_JOIN=join,
            OSAPI_AGENT_NATS_PORT=str(installation.nats_port),
        )
        until(lambda: _agents(found) == 2, "both agents")
        yield found
    finally:
        installation.close()


def _agents(fleet: Fleet) -> int:
    with fleet.client() as client:
        return len(client.agents.list().agents)
