"""Three real Debian hosts with an agent each; broker and controller on this machine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.fleet import (
    HOSTS,
    OSAPI,
    OUTSIDE,
    Bed,
    Fleet,
    Running,
    authority,
    eventually,
    free_port,
    is_ready,
    start_agent,
)
from tests.sinks import HttpSink, http_sink


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """Hosts that nobody has touched."""
    found = Bed()
    found("down")
    found("up", HOSTS)
    yield found
    found("down")


@pytest.fixture(scope="session")
def notified() -> Iterator[tuple[HttpSink, int]]:
    """A receiver of messages, and its port."""
    with http_sink() as found:
        yield found


def settings(data: Path, port: int, told_port: int) -> dict[str, Any]:
    """Of the whole installation, with TLS everywhere; it tells what goes wrong with hosts, at once and without a limit."""
    api, broker = (
        {"cert": str(data / f"tls/{name}.crt"), "key": str(data / f"tls/{name}.key")} for name in ("api", "broker")
    )
    notifications = {
        "enabled": True,
        "notifier": "web",
        "notifiers": {"web": {"url": f"json://127.0.0.1:{told_port}"}},
        "conditions": ["ComponentUnreachable", "DiskPressure", "HighLoad", "MemoryPressure"],
        "group_window": "1s",
        "rate_limit": 0,
    }
    return {
        "data_dir": str(data),
        "nats": {"server": {"host": OUTSIDE, "tls": broker}},
        "controller": {
            "nats": {"host": OUTSIDE, "tls": {"ca": str(authority(data))}},
            "api": {"port": port, "tls": api},
            "notifications": notifications,
        },
    }


@pytest.fixture(scope="session")
def fleet(bed: Bed, notified: tuple[HttpSink, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Broker, controller and agents, all of them ready."""
    folder = tmp_path_factory.mktemp("fleet")
    data, port = folder / "data", free_port()
    config = folder / "osapi.yaml"
    told, told_port = notified
    config.write_text(json.dumps(settings(data, port, told_port)))  # JSON is YAML
    environ = {**os.environ, "OSAPI_CONTEXT": str(folder / "context.json")}
    subprocess.run(
        [OSAPI, "tls", "init", "--name", OUTSIDE, "-f", config], env=environ, check=True, capture_output=True
    )
    with (
        (folder / "log").open("ab") as log,
        Running(["nats", "server", "start", "-f", str(config)], environ, log),
        Running(["controller", "start", "-f", str(config)], environ, log),
    ):
        eventually(
            lambda: is_ready(port, authority(data)), f"the controller is not ready: {(folder / 'log').read_text()}"
        )
        found = Fleet(bed, environ, data, told)
        join = found.client("agent", "join-token", "--uses", str(HOSTS)).json["token"]
        for host in range(1, HOSTS + 1):
            start_agent(bed, host, join, authority(data))
        eventually(
            lambda: len(json.loads(found.client("node", "hostname", "get").stdout or "{}").get("results", [])) == HOSTS,
            "the agents did not join",
        )
        yield found
