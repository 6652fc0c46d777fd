"""Three real Debian hosts with an agent each; broker and controller on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from tests.acceptance.fleet import HOSTS, OUTSIDE, Bed, Fleet, Running, eventually, free_port, is_ready, start_agent


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """Hosts that nobody has touched."""
    found = Bed()
    found("down")
    found("up", HOSTS)
    yield found
    found("down")


@pytest.fixture(scope="session")
def fleet(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Broker, controller and agents, all of them ready."""
    folder = tmp_path_factory.mktemp("fleet")
    port = free_port()
    config = folder / "osapi.yaml"
    config.write_text(
        f"data_dir: {folder}/data\n"
        f"insecure: true\n"
        f"nats: {{server: {{host: {OUTSIDE}}}}}\n"
        f"controller: {{nats: {{host: {OUTSIDE}}}, api: {{port: {port}}}}}\n"
    )
    environ = {**os.environ, "OSAPI_CONTEXT": str(folder / "context.json")}
    with (
        (folder / "log").open("ab") as log,
        Running(["nats", "server", "start", "-f", str(config)], environ, log),
        Running(["controller", "start", "-f", str(config)], environ, log),
    ):
        eventually(lambda: is_ready(port), f"the controller is not ready: {(folder / 'log').read_text()}")
        found = Fleet(bed, environ, folder / "data")
        join = found.client("agent", "join-token", "--uses", str(HOSTS)).json["token"]
        for host in range(1, HOSTS + 1):
            start_agent(bed, host, join)
        eventually(
            lambda: len(json.loads(found.client("node", "hostname", "get").stdout or "{}").get("results", [])) == HOSTS,
            "the agents did not join",
        )
        yield found
