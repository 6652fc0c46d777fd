"""What a person at a real terminal sees: colours, a table that fits, questions, progress."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.unit.sdk.kit import JOB, TOKEN, FakeController, event, failed, ok
from tests.unit.sdk.test_events import HEAD

SILENT = failed("web-02", "timeout: agent did not respond", "timeout")


class Seen(NamedTuple):
    status: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.replace("\r\n", "\n").splitlines()


class Person:
    """Runs the program at a terminal of some width and types."""

    def __init__(self, controller: FakeController, home: Path) -> None:
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "HOME": str(home),
            "TERM": "xterm-256color",
            "OSAPI_CONTROLLER_CLIENT_URL": controller.url,
            "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": TOKEN,
        }

    def run(self, line: str, *, types: str = "", width: int = 100, **environment: str) -> Seen:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "osapi.cli.entry", *line.split()],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self._environment, **environment},
            start_new_session=True,
        )
        os.close(theirs)
        try:
            os.write(ours, types.encode())
            text = b"".join(_until_closed(ours)).decode()
            return Seen(process.wait(timeout=10), text)
        finally:
            process.kill()
            process.wait()
            os.close(ours)


def _until_closed(terminal: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while block := os.read(terminal, 65536):
            yield block


MEANT = {
    "total": 2,
    "hosts": [{"hostname": name, "machine_id": name} for name in ("web-01", "web-02")],
    "undecided": [],
}


@pytest.fixture
def person(controller: FakeController, tmp_path: Path) -> Person:
    return Person(controller, tmp_path)


def test_a_row_that_is_too_wide_is_told_line_by_line(person: Person, controller: FakeController) -> None:
    told = ok(id="229b" * 16, name="web", image="probe:1", state="running", created="2026-01-31T12:00:00.040115Z")
    controller.results(told)
    line = "client node container docker inspect --id web -T web-01"
    seen = person.run(line, width=80, NO_COLOR="1", TZ="Asia/Tokyo")
    assert [line.strip() for line in seen.lines if ":" in line][1:] == [
        "Hostname: web-01",
        "Status: ok",
        f"Id: {'229b' * 16}",
        "Name: web",
        "Image: probe:1",
        "State: running",
        "Created: 2026-01-31 21:00:00",
    ]
    controller.results(told)
    assert "HOSTNAME  STATUS  ID" in person.run(line, width=250, NO_COLOR="1").text


def test_a_table_has_colours_and_fits(person: Person, controller: FakeController) -> None:
    controller.results(ok(key="net.ipv4.conf." + "x" * 100, value="1"), failed("web-02", "no", "x"))
    seen = person.run("client node sysctl list -T web-01", width=60)
    assert "\x1b[1;35mHOSTNAME\x1b[0m" in seen.text
    assert "\x1b[32mok\x1b[0m" in seen.text
    assert "\x1b[31merr\x1b[0m" in seen.text
    row = next(line for line in seen.lines if "net.ipv4" in line)
    assert len(row.replace("\x1b[32m", "").replace("\x1b[0m", "")) <= 60
    assert "…" in row


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(person: Person, controller: FakeController, environment: dict[str, str]) -> None:
    controller.results(ok())
    assert "\x1b" not in person.run("client node hostname get -T web-01", **environment).text


def test_changing_many_hosts_is_asked_about(person: Person, controller: FakeController) -> None:
    controller.answer(MEANT).results(ok(changed=True))
    seen = person.run("client node hostname update --name x", types="y\n")
    assert "`hostname update` will run on 2 hosts, web-01, web-02 (--target _all). Go on? [y/N]" in seen.text
    assert seen.status == 0
    assert [asked.method for asked in controller.asked] == ["GET", "PUT"]


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "\x04"])
def test_anything_but_yes_changes_nothing(person: Person, controller: FakeController, answer: str) -> None:
    controller.answer(MEANT)
    seen = person.run("client node hostname update --name x -T group:web", types=answer)
    assert "2 hosts, web-01, web-02 (--target group:web)" in seen.text
    assert "Nothing was done." in seen.text
    assert seen.status == 1
    assert [asked.method for asked in controller.asked] == ["GET"]


def test_a_quick_broadcast_is_one_request(person: Person, controller: FakeController) -> None:
    controller.results(ok())
    seen = person.run("client node hostname get")
    assert [asked.path for asked in controller.asked] == ["/api/node/_all/hostname?wait=1"]
    assert "answered" not in seen.text
    assert seen.status == 0


def test_a_slow_broadcast_is_counted_while_it_lasts(person: Person, controller: FakeController) -> None:
    running = {"id": JOB, "status": "processing", "hosts": 3, "answered": 1}
    responses = {
        "web-01": {
            "status": "completed",
            "hostname": "web-01",
            "machine_id": "a",
            "data": {"key": "a.b"},
            "changed": True,
        },
        "web-02": {
            "status": "failed",
            "hostname": "web-02",
            "machine_id": "b",
            "error": "read only",
            "code": "read_only",
        },
    }
    controller.results(ok(key="a.b", changed=True), SILENT)
    controller.answer(running)
    controller.answer(
        raw=[
            HEAD,
            event("1", "completed", hostname="web-01"),
            event("2", "failed", hostname="web-02"),
            event("3", "done"),
        ]
    )
    controller.answer({**running, "responses": responses, "silent": ["web-03"]})
    seen = person.run("client node sysctl update --key a.b --value 1 -y")
    assert "\r0 of 3 hosts answered\r1 of 3 hosts answered\r2 of 3 hosts answered" in seen.text
    assert [asked.path.partition("?")[0] for asked in controller.asked] == [
        "/api/node/_all/sysctl/a.b",
        f"/api/job/{JOB}",
        f"/api/job/{JOB}/events",
        f"/api/job/{JOB}",
    ]
    assert "3 hosts: " in seen.text
    assert "web-03: timeout: agent did not respond" in seen.text
    assert "web-02: read only" in seen.text
    assert seen.status == 2


def test_a_broadcast_that_nobody_answers_is_told(person: Person, controller: FakeController) -> None:
    controller.answer({"error": "none of 2 hosts answered", "job_id": JOB}, status=504)
    controller.answer({"id": JOB, "status": "processing", "hosts": 2})
    controller.answer(raw=[HEAD, event("1", "done", status="expired")])
    controller.answer({"id": JOB, "status": "expired", "hosts": 2, "responses": {}, "silent": ["a", "b"]})
    seen = person.run("client node hostname get")
    assert "none of 2 hosts answered" in seen.text
    assert seen.status == 4


def test_the_time_to_wait_ends_the_count(person: Person, controller: FakeController) -> None:
    over = threading.Event()

    def silence() -> Iterator[bytes]:
        yield HEAD
        over.wait(30)

    controller.answer({"error": "none of 2 hosts answered", "job_id": JOB}, status=504)
    controller.answer({"id": JOB, "status": "processing", "hosts": 2}).answer(raw=silence())
    controller.answer({"id": JOB, "status": "processing", "hosts": 2, "responses": {}, "silent": ["a", "b"]})
    seen = person.run("client node hostname get --wait 0.5")
    over.set()
    assert "none of 2 hosts answered within 0.5 s; the job goes on" in seen.text
    assert seen.status == 4


def test_output_that_nobody_reads_ends_quietly(controller: FakeController, tmp_path: Path) -> None:
    controller.results(*({**ok(), "machine_id": str(number)} for number in range(5000)))
    environment = {**os.environ, "OSAPI_CONTROLLER_CLIENT_URL": controller.url, "HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "osapi.cli.entry", "client", "node", "hostname", "get"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=10) == 1
