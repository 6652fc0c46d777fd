"""What a plain line of the client loads: nothing that it does not need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.unit.sdk.kit import TOKEN, FakeController, ok

NEVER = (
    "osapi.controller", "osapi.agent", "osapi.broker", "osapi.transport", "osapi.host", "osapi.domains", "osapi.jobs",
    "nats", "starlette", "uvicorn", "uvloop", "httpx2", "anyio", "asyncio", "rich", "yaml", "click", "msgspec",
    "http.client", "urllib", "email", "ssl", "inspect", "dataclasses", "pathlib", "encodings.idna",
)  # fmt: skip


@pytest.mark.parametrize(
    "line", ["client node hostname get -T web-01", "client node hostname get --json", "client job list"]
)
def test_a_plain_line_loads_only_what_it_needs(controller: FakeController, line: str) -> None:
    if "job" in line:
        controller.answer({"total_items": 0, "status_counts": {}, "items": []})
    else:
        controller.results(ok())
    environment = {
        **os.environ,
        "OSAPI_CONTROLLER_CLIENT_URL": controller.url,
        "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": TOKEN,
    }
    before = subprocess.run([sys.executable, "-X", "importtime", "-c", ""], check=True, capture_output=True, text=True)
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "osapi.cli.entry", *line.split()],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    loaded = _modules(ran.stderr) - _modules(before.stderr) - {"runpy", "pkgutil"}
    assert [
        name for name in sorted(loaded) if name in NEVER or name.startswith(tuple(f"{one}." for one in NEVER))
    ] == []
    assert len(controller.asked) == 1


def _modules(told: str) -> set[str]:
    return {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
