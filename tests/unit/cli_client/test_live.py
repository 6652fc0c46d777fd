"""What hosts give out is printed as it comes; how it went is told at the end."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, MACHINE, FakeController, event, failed, ok
from tests.unit.sdk.test_events import HEAD

SHELL = ("command", "shell", "--command", "x", "--follow")


def piece(number: int, host: str = "web-01", machine: str = MACHINE, left_out: int = 0, **data: Any) -> bytes:
    return event(str(number), "output", hostname=host, machine_id=machine, data=data, left_out=left_out)


def answer(*entries: dict[str, Any], status: int = 202) -> bytes:
    told = {"status": status, "body": {"job_id": JOB, "results": list(entries)}}
    return f"id: 9\nevent: answer\ndata: {json.dumps(told)}\n\n".encode()


def stream(controller: FakeController, *blocks: bytes) -> None:
    controller.answer(raw=[HEAD, b"retry: 1000\n\n", *blocks])


def test_output_of_one_host_is_printed_as_it_is(node: Cli, controller: FakeController) -> None:
    entry = ok(stdout="a\nbc", stderr="e", exit_code=3, changed=True)
    stream(
        controller,
        event("1", "submitted"),
        piece(2, stdout="a\nb", stderr="e"),
        piece(3, stdout="c"),
        event("4", "completed", hostname="web-01"),
        event("5", "done"),
        answer(entry),
    )
    ran = node(*SHELL, "-T", "web-01")
    assert (ran.out, ran.err, ran.status) == ("a\nbc", "e", 3)
    asked = controller.asked[0]
    assert (asked.headers["accept"], asked.json) == ("text/event-stream", {"command": "x"})


def test_output_of_several_hosts_is_printed_line_by_line(node: Cli, controller: FakeController) -> None:
    stream(
        controller,
        piece(1, stdout="one\ntw"),
        piece(2, "web-02", "m2", stdout="eins\n", stderr="oh"),
        piece(3, stdout="o\nthree"),
        answer(
            ok(stdout="…", exit_code=0),
            {**ok(stdout="eins\n", stderr="oh", exit_code=0), "hostname": "web-02", "machine_id": "m2"},
        ),
    )
    ran = node(*SHELL, "-T", "group:web", "--yes")
    assert ran.out == "[web-01] one\n[web-02] eins\n[web-01] two\n[web-01] three\n"
    assert (ran.err, ran.status) == ("[web-02] oh\n", 0)


def test_what_a_quick_command_wrote_is_taken_from_its_answer(node: Cli, controller: FakeController) -> None:
    stream(controller, event("1", "done"), answer(ok(stdout="quick\n", stderr="", exit_code=0)))
    ran = node(*SHELL, "-T", "web-01")
    assert (ran.out, ran.err, ran.status) == ("quick\n", "", 0)


def test_what_came_too_fast_is_told(node: Cli, controller: FakeController) -> None:
    stream(controller, piece(1, stdout="y\n", left_out=77), answer(ok(stdout="y\n", exit_code=0)))
    assert "[web-01] osapi: 77 bytes came too fast" in node(*SHELL, "-T", "web-01").err


def test_a_host_that_failed_is_told_and_counts(node: Cli, controller: FakeController) -> None:
    stream(controller, answer(failed("web-02", "too\nslow", "timeout")))
    ran = node(*SHELL, "-T", "web-02")
    assert (ran.err, ran.status) == ("[web-02] osapi: too slow\n", 4)


def test_a_refusal_is_told_as_ever(node: Cli, controller: FakeController) -> None:
    told = {"status": 404, "body": {"error": "web-01: no such program", "code": "not_found", "job_id": JOB}}
    stream(controller, f"event: answer\ndata: {json.dumps(told)}\n\n".encode())
    ran = node(*SHELL, "-T", "web-01")
    assert "osapi: web-01: no such program" in ran.err
    assert ran.status == 3


def test_a_stream_that_breaks_is_no_success(node: Cli, controller: FakeController) -> None:
    stream(controller, piece(1, stdout="a"))
    ran = node(*SHELL, "-T", "web-01")
    assert (ran.out, ran.status) == ("a", 1)
    assert "ended before the answer" in ran.err


LOCAL_NOON = datetime(2026, 1, 31, 12, 0, 0, 40115).astimezone().isoformat()
"""Times are shown in the zone of whoever looks, to the second."""


def test_entries_are_rows_of_the_columns(node: Cli, controller: FakeController) -> None:
    entries = [
        {"timestamp": LOCAL_NOON, "unit": "ssh.service", "message": "one\x1b[31m"},
        {"timestamp": LOCAL_NOON, "message": "two"},
    ]
    stream(controller, piece(1, entries=entries), answer(ok(entries=[], followed=2), status=200))
    ran = node("log", "query", "--follow", "--duration", "5", "-T", "_all")
    assert ran.out.splitlines() == [
        "[web-01] 2026-01-31 12:00:00  ssh.service  one\ufffd[31m",
        "[web-01] 2026-01-31 12:00:00    two",
    ]
    assert controller.asked[0].path == "/api/node/_all/log?follow=true&duration=5"


def test_json_is_every_event_and_the_answer(node: Cli, controller: FakeController) -> None:
    stream(controller, piece(1, stdout="a"), answer(ok(stdout="a", exit_code=0)))
    first, last = map(json.loads, node(*SHELL, "-T", "web-01", "--json").out.splitlines())
    assert (first["data"], last["results"][0]["stdout"]) == ({"stdout": "a"}, "a")


def test_whoever_interrupts_a_command_is_told_that_it_goes_on(
    node: Cli, controller: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osapi.cli import live

    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    stream(controller, event("1", "submitted"), piece(2, stdout="a"), answer(ok()))
    monkeypatch.setattr(live._Printer, "_write", interrupted)
    ran = node(*SHELL, "-T", "web-01")
    assert (ran.status, f"job cancel --job-id {JOB}" in ran.err) == (130, True)
