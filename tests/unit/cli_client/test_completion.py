from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.unit.sdk.kit import JOB, TOKEN, FakeController

from osapi.cli.completion import completion

AGENTS = {
    "total": 2,
    "agents": [
        {"hostname": "web-02", "status": "Ready", "labels": {"group": "web.prod"}},
        {"hostname": "db-01", "status": "Ready"},
    ],
}


@pytest.fixture
def complete(controller: FakeController, tmp_path: Path):  # type: ignore[no-untyped-def]
    """`complete("client node -T w")` asks the program as bash does."""

    def ask(line: str, **environment: str) -> list[str]:
        words = ["osapi", *line.split(" ")]
        ran = subprocess.run(
            [sys.executable, "-m", "osapi.cli.entry"],
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "OSAPI_CONTROLLER_CLIENT_URL": controller.url,
                "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": TOKEN,
                "_OSAPI_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(words),
                "COMP_CWORD": str(len(words) - 1),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stderr == ""
        return [line.partition(",")[2] for line in ran.stdout.splitlines()]

    return ask


def test_words_are_completed(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("client node sys") == ["sysctl"]
    assert complete("client job dead-letter ") == ["list", "purge", "replay"]


def test_options_are_completed(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("client node sysctl create --r") == ["--replace"]


def test_targets_are_the_hosts_and_labels_of_the_fleet(complete, controller: FakeController) -> None:  # type: ignore[no-untyped-def]
    controller.answer(AGENTS)
    assert complete("client node hostname get -T ") == ["_all", "_any", "db-01", "web-02", "group:web.prod"]
    assert complete("client node hostname get -T w") == ["web-02"]
    assert complete("client node --target d") == ["db-01"]


def test_values_that_are_known_are_completed(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("client node hostname get -o j") == ["json", "jsonl"]
    assert complete("client job list --status part") == ["partial_failure"]


def test_jobs_are_completed(complete, controller: FakeController) -> None:  # type: ignore[no-untyped-def]
    controller.answer({"items": [{"id": JOB, "status": "failed", "operation": {"type": "node.os.get"}}]})
    assert complete(f"client job get --job-id {JOB[:3]}") == [JOB]


def test_a_controller_that_is_away_leaves_what_is_always_there(complete) -> None:  # type: ignore[no-untyped-def]
    begun = time.monotonic()
    assert complete("client node hostname get -T ", OSAPI_CONTROLLER_CLIENT_URL="http://127.0.0.1:1") == [
        "_all",
        "_any",
    ]
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str) -> None:
    root = click.Group("osapi", commands={"completion": completion})
    ran = CliRunner().invoke(root, ["completion", shell], prog_name="osapi")
    assert ran.exit_code == 0
    assert "_OSAPI_COMPLETE" in ran.output
