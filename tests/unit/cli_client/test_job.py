from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, FakeController, event
from tests.unit.sdk.test_events import HEAD

DETAIL: dict[str, Any] = {
    "id": JOB,
    "status": "partial_failure",
    "created": "2026-01-31T12:00:00Z",
    "operation": {"type": "node.sysctl.create", "data": {"key": "a.b", "value": "1"}},
    "target": "_all",
    "actor": "admin",
    "expires": "2026-01-31T12:01:00Z",
    "hosts": 3,
    "answered": 2,
    "silent": ["web-03"],
    "error": "read only",
    "responses": {
        "web-01": {"status": "completed", "hostname": "web-01", "machine_id": "a", "data": {"key": "a.b"}},
        "web-02": {"status": "failed", "hostname": "web-02", "machine_id": "b", "error": "read only"},
    },
    "agent_states": {"web-01": {"status": "completed", "duration": "0.100s"}},
    "timeline": [
        {"timestamp": "2026-01-31T12:00:00Z", "event": "submitted", "hostname": "_api", "message": "by admin"}
    ],
}


@pytest.fixture
def job(cli: Cli) -> Cli:
    return lambda *words: cli("client", "job", *words)


def test_jobs_are_listed_below_their_counts(job: Cli, controller: FakeController) -> None:
    controller.answer(
        {"total_items": 7, "status_counts": {"completed": 6, "failed": 1}, "items": [DETAIL], "next_cursor": "8"}
    )
    ran = job("list", "--status", "partial_failure", "--limit", "1")
    assert controller.asked[0].path == "/api/job?status=partial_failure&limit=1&offset=0"
    for line in ("Total: 7", "Showing: 1", "Completed: 6", "Failed: 1", "Filter: status=partial_failure", "--cursor 8"):
        assert line in ran.out
    assert ran.out.splitlines()[-1].split()[0::2][:2] == [JOB, "2026-01-31"]
    assert ran.out.splitlines()[-1].endswith("_all    node.sysctl.create")
    assert ran.status == 0


def test_the_json_of_a_list_tells_what_it_leaves_out(job: Cli, controller: FakeController) -> None:
    controller.answer({"total_items": 7, "status_counts": {"failed": 7}, "items": [DETAIL]})
    assert json.loads(job("list", "--offset", "3", "-j").out) == {
        "total_jobs": 7,
        "displayed_jobs": 1,
        "status_counts": {"failed": 7},
        "filter_applied": False,
        "limit_applied": False,
        "offset_applied": 3,
        "jobs": [DETAIL],
    }


def test_a_time_may_be_how_long_ago_it_was(job: Cli, controller: FakeController) -> None:
    controller.answer({"total_items": 0, "status_counts": {}, "items": []})
    job("list", "--since", "2h", "--until", "2026-01-31T12:00:00+01:00")
    query = parse_qs(urlsplit(controller.asked[0].path).query)
    ago = datetime.now(UTC) - datetime.fromisoformat(query["since"][0])
    assert timedelta(hours=2) <= ago < timedelta(hours=2, minutes=1)
    assert datetime.fromisoformat(query["until"][0]) == datetime(2026, 1, 31, 11, tzinfo=UTC)


def test_what_is_no_time_is_named(job: Cli, controller: FakeController) -> None:
    ran = job("list", "--since", "yesterday")
    assert ran.status == 1
    assert "--since: 'yesterday' is no time" in ran.err
    assert controller.asked == []


def test_a_job_is_shown_whole(job: Cli, controller: FakeController) -> None:
    controller.answer(DETAIL)
    ran = job("get", "--job-id", JOB)
    for part in (
        f"Job ID: {JOB}",
        "Status: partial_failure",
        "Agents: 2 of 3 answered",
        "Silent: web-03",
        "Error: read only",
        '"value": "1"',
        "Agent Responses:",
        "Agent States:",
        "Timeline:",
        "by admin",
    ):
        assert part in ran.out
    assert json.loads(job("get", "--job-id", JOB, "--json").out) == DETAIL


def test_a_deleted_job_is_told(job: Cli, controller: FakeController) -> None:
    controller.answer(status=204)
    told = json.loads(job("delete", "--job-id", JOB, "--json").out)
    assert (told["status"], told["job_id"]) == ("deleted", JOB)
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
    assert "Status: deleted" in job("delete", "--job-id", JOB).out


@pytest.mark.parametrize(
    ("words", "body"), [((), {}), (("--target-hostname", "web-02"), {"target_hostname": "web-02"})]
)
def test_a_job_is_repeated_where_it_ran_unless_told_otherwise(
    job: Cli, controller: FakeController, words: tuple[str, ...], body: dict[str, str]
) -> None:
    controller.answer({"job_id": "new", "status": "created", "revision": 9}, status=201)
    ran = job("retry", "--job-id", JOB, *words)
    assert controller.asked[0].json == body
    assert ran.out == "  Job ID: new\n  Status: created\n  Revision: 9\n"


def test_a_job_that_has_ended_cannot_be_stopped(job: Cli, controller: FakeController) -> None:
    controller.answer({"error": "job has already ended", "code": "conflict", "job_id": JOB}, status=409)
    ran = job("cancel", "--job-id", JOB)
    assert (ran.status, ran.err.splitlines()[0]) == (1, "osapi: job has already ended")


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [("completed", 0), ("skipped", 0), ("partial_failure", 2), ("failed", 3), ("cancelled", 3), ("timeout", 4)],
)
def test_watching_ends_with_the_job_and_as_it_did(
    job: Cli, controller: FakeController, status: str, exit_status: int
) -> None:
    controller.answer(
        raw=[
            HEAD,
            event("1", "started", hostname="web-01"),
            event("2", "failed", hostname="web-01", error="read\nonly"),
        ]
    )
    controller.answer(raw=[HEAD, event("3", "done", status=status)])
    ran = job("watch", "--job-id", JOB)
    lines = [line.split("  ")[1:] for line in ran.out.splitlines()]
    assert lines == [["started", "web-01"], ["failed", "web-01", "read only"], [f"done: {status}"]]
    assert ran.status == exit_status


def test_watching_as_json_is_one_event_a_line(job: Cli, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "started"), event("3", "done", status="completed")])
    ran = job("watch", "--job-id", JOB, "-j")
    assert [json.loads(line)["event"] for line in ran.out.splitlines()] == ["started", "done"]


def test_without_a_job_everything_is_watched(job: Cli, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "done", status="completed")]).answer({"error": "no"}, status=403)
    ran = job("watch")
    assert controller.asked[0].path == "/api/events"
    assert JOB in ran.out
    assert "node.hostname.get" in ran.out
    assert ran.status == 1


LETTER = {
    "id": 7,
    "job_id": JOB,
    "reason": "expired",
    "operation": "node.os.get",
    "target": "_all",
    "hostname": "web-03",
    "timestamp": "2026-01-31T12:00:00Z",
}


def test_dead_letters_are_listed(job: Cli, controller: FakeController) -> None:
    controller.answer({"total_items": 1, "items": [LETTER]})
    ran = job("dead-letter", "list")
    assert ran.out.splitlines()[-1].split()[:4] == ["7", JOB, "node.os.get", "web-03"]


def test_dead_letters_are_replayed_and_purged(job: Cli, controller: FakeController) -> None:
    controller.answer({"job_id": "new", "status": "created"}, status=201).answer({"purged": 1}).answer({"purged": 3})
    assert "Job ID: new" in job("dead-letter", "replay", "--id", "7").out
    assert job("dead-letter", "purge", "--id", "7").out == "  Purged: 1\n"
    assert json.loads(job("dead-letter", "purge", "--all", "--json").out) == {"purged": 3}
    assert [(asked.method, asked.path) for asked in controller.asked] == [
        ("POST", "/api/job/dead-letter/7/replay"),
        ("DELETE", "/api/job/dead-letter?id=7"),
        ("DELETE", "/api/job/dead-letter"),
    ]


@pytest.mark.parametrize("words", [(), ("--id", "7", "--all")])
def test_purging_everything_has_to_be_said(job: Cli, controller: FakeController, words: tuple[str, ...]) -> None:
    ran = job("dead-letter", "purge", *words)
    assert ran.status == 1
    assert "--all" in ran.err
    assert controller.asked == []
