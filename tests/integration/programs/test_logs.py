"""What the programs write when they are told to write everything: one object a line, ids, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Installation
from .test_start import started

PASSWORD = "correct-horse-battery-staple"
KEY = "0123456789abcdef0123456789abcdef-signing"


def secrets(installation: Installation) -> dict[str, str]:
    """Everything secret that the first start has made, by where it is kept."""
    found = {"token": installation.context["token"]}
    for path in sorted(Path(installation.data).rglob("*")):
        if path.is_file() and path.suffix in (".seed", ".key"):
            found |= {f"{path.name} {n}": line for n, line in enumerate(path.read_text().split()) if len(line) > 20}
    return found


def test_no_log_line_holds_a_secret_and_all_belong_together(installation: Installation) -> None:
    running = started(
        installation, OSAPI_DEBUG="true", OSAPI_NATS_SERVER_AUTH_TYPE="", OSAPI_CONTROLLER_API_SECURITY_SIGNING_KEY=KEY
    )
    done = installation.run(
        "client", "node", "command", "exec", "--target", "testmachine", "--json", "--command", "echo",
        "--args", PASSWORD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert PASSWORD in done.stdout
    job_id = json.loads(done.stdout)["job_id"]
    assert running.stop() == 0
    hidden = {"password": PASSWORD, "key": KEY, **secrets(installation)}
    assert len(hidden) > 4
    assert [name for name, secret in hidden.items() if secret in running.err] == []
    lines = [json.loads(line) for line in running.err.splitlines()]
    assert all({"time", "level", "program", "logger", "event"} <= line.keys() for line in lines)
    story = [line for line in lines if line.get("job_id") == job_id]
    assert {(line["program"], line["event"]) for line in story} >= {
        ("controller", "job.submitted"), ("controller", "http.request"), ("agent", "job.ended"),
    }  # fmt: skip
    assert len({line["request_id"] for line in story if line["program"] == "controller"}) == 1
