"""Commands of the client that go on until somebody ends them, and what they print meanwhile."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.fleet import OSAPI, Fleet


@contextmanager
def following(fleet: Fleet, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`osapi client …`, whose output is read line by line; ended as by Ctrl-C."""
    process = subprocess.Popen(
        [OSAPI, "client", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=fleet.environ,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def until(process: subprocess.Popen[str], *wanted: str) -> list[str]:
    """The lines up to the one by which everything wanted has been printed."""
    assert process.stdout is not None
    lines: list[str] = []
    while not all(any(text in line for line in lines) for text in wanted):
        line = process.stdout.readline()
        assert line, lines
        lines.append(line)
    return lines


def last_status(fleet: Fleet, operation: str) -> str:
    """The status of the last job of an operation."""
    status: str = fleet.client("job", "list", "--operation", operation, "--limit", "1").json["jobs"][0]["status"]
    return status
