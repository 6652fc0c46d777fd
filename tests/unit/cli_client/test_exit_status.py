from __future__ import annotations

from typing import Any

import pytest

from osapi.cli import exit_status
from osapi.sdk import errors

OK: dict[str, Any] = {"hostname": "a", "machine_id": "a", "status": "ok"}
SKIPPED: dict[str, Any] = {"hostname": "b", "machine_id": "b", "status": "skipped", "error": "no systemd"}
FAILED: dict[str, Any] = {"hostname": "c", "machine_id": "c", "status": "failed", "error": "no", "code": "failed"}
SILENT: dict[str, Any] = {"hostname": "d", "machine_id": "d", "status": "failed", "error": "t", "code": "timeout"}
ENDED_3: dict[str, Any] = {**OK, "exit_code": 3}
ENDED_0: dict[str, Any] = {**OK, "exit_code": 0, "machine_id": "e"}


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([], 0),
        ([OK], 0),
        ([OK, SKIPPED], 0),
        ([SKIPPED], 0),
        ([OK, FAILED], 2),
        ([SKIPPED, FAILED], 2),
        ([OK, SILENT], 2),
        ([FAILED], 3),
        ([FAILED, SILENT], 3),
        ([SILENT], 4),
        ([SILENT, {**SILENT, "machine_id": "e"}], 4),
        ([ENDED_3], 3),
        ([ENDED_3, ENDED_0], 2),
        ([OK, OK, FAILED, FAILED], 2),
        ([FAILED, FAILED], 3),
    ],
)
def test_the_hosts_decide_the_status(entries: list[dict[str, Any]], status: int) -> None:
    assert exit_status.of_results(entries) == status


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([ENDED_3, ENDED_0], 3),
        ([ENDED_0], 0),
        ([ENDED_0, FAILED], 2),
        ([FAILED], 3),
        ([{**OK, "exit_code": 70000}], 255),
        ([{**OK, "exit_code": 1}, {**ENDED_0, "exit_code": 9}], 9),
        ([{**OK, "exit_code": None}], 0),
    ],
)
def test_the_greatest_status_of_the_commands_is_passed_on(entries: list[dict[str, Any]], status: int) -> None:
    assert exit_status.of_output(entries) == status


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (errors.Unreachable("refused", sent=False), 1),
        (errors.Unreachable("slow", sent=True, timed_out=True), 4),
        (errors.BadAnswer("what"), 1),
        (errors.BadRequest("no", status=400), 1),
        (errors.Unauthenticated("no", status=401), 1),
        (errors.Forbidden("no", status=403), 1),
        (errors.Forbidden("protected", status=403, job_id="j"), 3),
        (errors.NotFound("no", status=404, job_id="j"), 3),
        (errors.Conflict("no", status=409, job_id="j"), 3),
        (errors.Unavailable("no", status=503, job_id="j"), 1),
        (errors.NoAnswer("no", status=504, job_id="j"), 4),
    ],
)
def test_the_error_decides_the_status(problem: errors.SdkError, status: int) -> None:
    assert exit_status.of_error(problem, asks_hosts=True) == status


def test_a_refusal_about_a_job_is_no_failure_of_a_host() -> None:
    assert exit_status.of_error(errors.Conflict("ended", status=409, job_id="j"), asks_hosts=False) == 1
