"""Both clients make the same requests and read the same answers: each test runs with either."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sdk.kit import JOB, MACHINE, TOKEN, FakeController, event, failed, ok
from tests.unit.sdk.test_events import HEAD

from osapi.contract.errors import Invalid
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.domains.log import operations as log
from osapi.domains.log.models import LogQuery
from osapi.domains.sysctl import operations as sysctl
from osapi.domains.sysctl.models import SysctlCreate, SysctlKey
from osapi.domains.user import operations as user
from osapi.domains.user.models import Password, UserPassword
from osapi.jobs.api import JobEvent
from osapi.jobs.status import JobStatus
from osapi.sdk import errors
from osapi.sdk.aio import AsyncClient
from osapi.sdk.client import Client
from osapi.sdk.following import Following
from osapi.sdk.jobs import EventsMissed

pytestmark = pytest.mark.anyio

DETAIL = {
    "id": JOB,
    "status": "completed",
    "created": "2026-01-31T12:00:00Z",
    "operation": {"type": "node.sysctl.create", "data": {"key": "a.b"}},
    "target": "_all",
    "actor": "admin",
    "expires": "2026-01-31T12:01:00Z",
    "hosts": 1,
    "answered": 1,
}
ENTRY = SysctlCreate(key="vm.swappiness", value="10")


class Either:
    """A client of either kind behind one face: `await either(lambda client: client.…)`."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client

    async def __call__(self, ask: Callable[[Any], Any]) -> Any:
        answer = ask(self.client)
        if isinstance(answer, Awaitable):
            return await answer
        if inspect.isasyncgen(answer):
            return [item async for item in answer]
        return list(answer) if inspect.isgenerator(answer) else answer


@pytest.fixture(params=["sync", "async"])
async def either(request: pytest.FixtureRequest, controller: FakeController) -> AsyncIterator[Either]:
    if request.param == "sync":
        with Client(controller.url, TOKEN) as client:
            yield Either(client)
    else:
        async with AsyncClient(controller.url, TOKEN) as aio:
            yield Either(aio)


async def test_an_operation_is_run_and_its_answers_are_typed(either: Either, controller: FakeController) -> None:
    controller.results(ok(key="vm.swappiness", changed=True), failed("web-02", "read only", "read_only"))
    answers = await either(lambda client: client.run(sysctl.CREATE, ENTRY, target="group:web", dry_run=True, wait_s=5))
    asked = controller.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/node/group%3Aweb/sysctl?wait=5&dry_run=true")
    assert asked.json == {"key": "vm.swappiness", "value": "10", "replace": False, "adopt": False}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert len(asked.headers["idempotency-key"]) == 32
    assert answers.job_id == JOB
    assert answers[0].data.key == "vm.swappiness"
    assert [answer.hostname for answer in answers.failed] == ["web-02"]


async def test_the_same_is_a_method(either: Either, controller: FakeController) -> None:
    controller.results(ok(key="vm.swappiness", changed=False))
    answers = await either(
        lambda client: client.node("web-01").sysctl.update(key="vm.swappiness", value="10", idempotency_key="mine")
    )
    asked = controller.asked[0]
    assert (asked.method, asked.path, asked.json) == ("PUT", "/api/node/web-01/sysctl/vm.swappiness", {"value": "10"})
    assert asked.headers["idempotency-key"] == "mine"
    assert answers[0].changed is False


async def test_a_query_needs_no_key(either: Either, controller: FakeController) -> None:
    controller.results(ok())
    await either(lambda client: client.node("_any").hostname.get())
    assert "idempotency-key" not in controller.asked[0].headers


async def test_work_that_may_take_long_is_waited_for(either: Either, controller: FakeController) -> None:
    controller.results(ok(stdout="", stderr="", changed=True))
    slow = ShellRequest(command="make", timeout=120)
    await either(lambda client: client.run(command.SHELL, slow, target="web-01"))
    await either(lambda client: client.node("web-01").command.shell(command="true"))
    assert [asked.path.partition("?")[2] for asked in controller.asked] == ["wait=125", ""]


async def test_what_is_submitted_is_not_waited_for(either: Either, controller: FakeController) -> None:
    controller.answer({"job_id": JOB, "status": "submitted"}, status=202)
    assert await either(lambda client: client.submit(sysctl.CREATE, ENTRY, target="_all")) == JOB
    assert controller.asked[0].headers["prefer"] == "respond-async"


async def test_a_request_of_the_wrong_model_is_refused_here(either: Either, controller: FakeController) -> None:
    with pytest.raises(Invalid, match=r"node\.sysctl\.create takes a SysctlCreate"):
        await either(lambda client: client.run(sysctl.CREATE, SysctlKey(key="a.b"), target="_all"))
    with pytest.raises(Invalid, match="submit"):
        await either(lambda client: client.run(sysctl.CREATE, ENTRY, target="_all", wait_s=0))
    assert controller.asked == []


async def test_errors_are_the_same(either: Either, controller: FakeController) -> None:
    controller.answer({"error": "nobody", "code": "no_answer", "job_id": JOB}, status=504)
    with pytest.raises(errors.NoAnswer) as raised:
        await either(lambda client: client.run(sysctl.CREATE, ENTRY, target="_all"))
    assert (raised.value.job_id, raised.value.code, raised.value.status) == (JOB, "no_answer", 504)
    assert raised.value.idempotency_key == controller.asked[0].headers["idempotency-key"]


async def test_a_change_survives_a_broken_connection_as_one_request(either: Either, controller: FakeController) -> None:
    controller.answer(hang_up=True).results(ok(key="a.b", changed=True))
    await either(lambda client: client.run(sysctl.CREATE, ENTRY, target="_all"))
    one, other = controller.asked
    assert one.headers["idempotency-key"] == other.headers["idempotency-key"]


async def test_an_unreachable_controller_is_told(either: Either, controller: FakeController) -> None:
    controller.answer(hang_up=True)
    with pytest.raises(errors.Unreachable) as raised:
        await either(lambda client: client.jobs.retry(JOB))
    assert raised.value.sent
    assert len(controller.asked) == 1


async def test_jobs_are_listed_by_filters(either: Either, controller: FakeController) -> None:
    controller.answer({"total_items": 1, "status_counts": {"completed": 1}, "items": [DETAIL]})
    since = datetime(2026, 1, 31, tzinfo=UTC)
    page = await either(
        lambda client: client.jobs.list(status=JobStatus.COMPLETED, target="group:web", since=since, limit=5)
    )
    assert controller.asked[0].path == (
        "/api/job?status=completed&target=group%3Aweb&since=2026-01-31T00%3A00%3A00%2B00%3A00&limit=5"
    )
    assert page.items[0].operation.type == "node.sysctl.create"
    with pytest.raises(ValueError, match="time zone"):
        await either(lambda client: client.jobs.list(since=datetime(2026, 1, 31)))  # noqa: DTZ001


async def test_all_jobs_are_read_page_by_page(either: Either, controller: FakeController) -> None:
    controller.answer({"total_items": 2, "status_counts": {}, "items": [DETAIL], "next_cursor": "7"})
    controller.answer({"total_items": 2, "status_counts": {}, "items": [DETAIL]})
    assert len(await either(lambda client: client.jobs.iterate(page_size=1))) == 2
    assert [asked.path for asked in controller.asked] == ["/api/job?limit=1", "/api/job?limit=1&cursor=7"]


async def test_a_job_is_read_repeated_stopped_and_deleted(either: Either, controller: FakeController) -> None:
    controller.answer(DETAIL).answer({"job_id": "new", "status": "created", "revision": 3}, status=201)
    controller.answer({"job_id": JOB, "status": "cancel_requested"}, status=202).answer(status=204)
    assert (await either(lambda client: client.jobs.get(JOB))).status is JobStatus.COMPLETED
    assert (await either(lambda client: client.jobs.retry(JOB, target="_any"))).job_id == "new"
    assert (await either(lambda client: client.jobs.cancel(JOB))).status == "cancel_requested"
    assert await either(lambda client: client.jobs.delete(JOB)) is None
    assert [(asked.method, asked.path.removeprefix(f"/api/job/{JOB}")) for asked in controller.asked] == [
        ("GET", ""),
        ("POST", "/retry"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ]
    assert controller.asked[1].json == {"target_hostname": "_any"}


async def test_a_job_is_repeated_with_its_secrets(either: Either, controller: FakeController) -> None:
    controller.answer({"job_id": "new", "status": "created", "revision": 3}, status=201)
    await either(lambda client: client.jobs.retry(JOB, secrets={"password": "x"}))
    assert controller.asked[0].json == {"secrets": {"password": "x"}}


async def test_a_secret_is_sent_and_not_shown(either: Either, controller: FakeController) -> None:
    controller.results(ok(name="alice", changed=True))
    request = UserPassword(name="alice", password=Password("hunter2"))
    await either(lambda client: client.run(user.PASSWORD, request, target="web-01"))
    assert (controller.asked[0].json, "hunter2" in repr(request)) == ({"password": "hunter2", "hashed": False}, False)


async def test_tokens_are_revoked(either: Either, controller: FakeController) -> None:
    controller.answer({"revoked_by": "anna", "subject": "ci"})
    before = datetime(2026, 1, 31, 12, tzinfo=UTC)
    found = await either(lambda client: client.tokens.revoke(subject="ci", issued_before=before, reason="left"))
    assert (found.revoked_by, found.subject) == ("anna", "ci")
    body = {"subject": "ci", "issued_before": "2026-01-31T12:00:00+00:00", "reason": "left"}
    assert (controller.asked[0].path, controller.asked[0].json) == ("/api/token/revoke", body)


async def test_revoked_tokens_are_listed(either: Either, controller: FakeController) -> None:
    controller.answer({"total_items": 1, "items": [{"revoked_by": "anna", "id": "t1"}]})
    assert (await either(lambda client: client.tokens.revoked())).items[0].id == "t1"


async def test_the_quarantine_is_read(either: Either, controller: FakeController) -> None:
    controller.answer({"total": 3, "items": []})
    assert (await either(lambda client: client.agents.quarantine(limit=5))).total == 3
    assert controller.asked[0].path == "/api/agent/quarantine?limit=5"


async def test_dead_letters_are_listed_replayed_and_purged(either: Either, controller: FakeController) -> None:
    letter = {
        "id": 7,
        "job_id": JOB,
        "reason": "expired",
        "operation": "node.os.get",
        "target": "_all",
        "timestamp": "2026-01-31T12:00:00Z",
    }
    controller.answer({"total_items": 1, "items": [letter]}).answer({"job_id": "new", "status": "created"}, status=201)
    controller.answer({"purged": 1})
    assert (await either(lambda client: client.jobs.dead_letters.list(limit=1))).items[0].id == 7
    assert (await either(lambda client: client.jobs.dead_letters.replay(7))).job_id == "new"
    assert await either(lambda client: client.jobs.dead_letters.purge(7)) == 1


async def test_a_job_is_watched_to_its_end(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "completed", hostname="web-01", changed=True)])
    controller.answer(raw=[HEAD, event("2", "done", status="completed")]).answer(DETAIL)
    told: list[JobEvent] = []
    detail = await either(lambda client: client.jobs.wait(JOB, on_event=told.append))
    assert [(one.event, one.hostname, one.status) for one in told] == [
        ("completed", "web-01", JobStatus.PROCESSING),
        ("done", None, JobStatus.COMPLETED),
    ]
    assert controller.asked[1].headers["last-event-id"] == "1"
    assert detail.id == JOB


async def test_missed_events_are_told(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, b'id: 9\nevent: reset\ndata: {"reason": "gone"}\n\n'])
    controller.answer({"error": "no"}, status=403)
    told: list[Any] = []

    async def collect(client: Any) -> None:
        stream = client.jobs.events(last_id="1")
        if inspect.isasyncgen(stream):
            async for one in stream:
                told.append(one)  # noqa: PERF401 - what came before the error is kept
        else:
            for one in stream:
                told.append(one)  # noqa: PERF402

    with pytest.raises(errors.Forbidden):
        await either(collect)
    assert told == [EventsMissed(reason="gone")]


async def test_health_is_an_answer_even_when_it_is_bad(either: Either, controller: FakeController) -> None:
    controller.answer({"status": "ok"}).answer({"status": "ready"})
    assert await either(lambda client: client.health.live())
    assert (await either(lambda client: client.health.ready())).ready


async def test_not_being_ready_has_a_reason(either: Either, controller: FakeController) -> None:
    controller.answer({"status": "not ready", "error": "no broker"}, status=503, headers={"retry-after": "1"})
    ready = await either(lambda client: client.health.ready())
    assert (ready.ready, ready.error) == (False, "no broker")
    assert len(controller.asked) == 1


AGENT = {
    "machine_id": MACHINE,
    "hostname": "web-01",
    "status": "Ready",
    "state": "Ready",
    "reachable": True,
    "labels": {"group": "web"},
    "registered_at": "2026-01-31T12:00:00Z",
    "started_at": "2026-01-31T12:00:00Z",
    "heartbeat_at": "2026-01-31T12:00:00Z",
    "version": "0.1.0",
}


async def test_the_fleet_is_listed(either: Either, controller: FakeController) -> None:
    controller.answer({"agents": [AGENT], "total": 1}).answer(AGENT)
    assert (await either(lambda client: client.agents.list())).agents[0].hostname == "web-01"
    assert (await either(lambda client: client.agents.get("web-01"))).labels == {"group": "web"}
    assert [asked.path for asked in controller.asked] == ["/api/agent", "/api/agent/web-01"]


# -- as it happens ------------------------------------------------------------------------------


def answered(status: int, body: dict[str, Any]) -> bytes:
    return f"id: 3\nevent: answer\ndata: {json.dumps({'status': status, 'body': body})}\n\n".encode()


async def follow(either: Either, request: ShellRequest | LogQuery) -> tuple[list[JobEvent], Any]:
    operation: Any = log.QUERY if isinstance(request, LogQuery) else command.SHELL
    following = either.client.follow(operation, request, target="web-01")
    with pytest.raises(ValueError, match="no results yet"):
        _ = following.results
    if isinstance(following, Following):
        return list(following), following.results
    return [event async for event in following], following.results


async def test_events_come_before_the_results(either: Either, controller: FakeController) -> None:
    body = {"job_id": JOB, "results": [ok(changed=True, stdout="ab", stderr="", exit_code=0)]}
    controller.answer(
        raw=[HEAD, event("1", "submitted"), event("2", "output", data={"stdout": "a"}), answered(202, body)]
    )
    events, results = await follow(either, ShellRequest(command="x"))
    assert [(one.event, one.data) for one in events] == [("submitted", None), ("output", {"stdout": "a"})]
    assert results[0].data.stdout == "ab"
    asked = controller.asked[0]
    assert (asked.method, asked.headers["accept"], asked.json["command"]) == ("POST", "text/event-stream", "x")
    assert asked.headers["idempotency-key"]


async def test_what_is_followed_is_asked_for_as_events(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, answered(200, {"job_id": JOB, "results": [ok(entries=[], followed=0)]})])
    assert (await follow(either, LogQuery(follow=True)))[0] == []
    with pytest.raises(Invalid, match="no single answer"):
        await either(lambda client: client.node("web-01").log.query(follow=True))


async def test_a_refusal_at_the_end_is_the_error_it_would_have_been(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, answered(404, {"error": "no such program", "code": "not_found", "job_id": JOB})])
    with pytest.raises(errors.NotFound, match="no such program"):
        await follow(either, ShellRequest(command="x"))


async def test_a_stream_that_ends_before_its_answer_is_told(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, event("1", "submitted")])
    with pytest.raises(errors.Unreachable, match="before the answer"):
        await follow(either, ShellRequest(command="x"))


async def test_a_failure_in_the_stream_is_an_error(either: Either, controller: FakeController) -> None:
    controller.answer(raw=[HEAD, b'event: error\ndata: {"error":"broker away","code":"unavailable"}\n\n'])
    with pytest.raises(errors.ServerError, match="broker away"):
        await follow(either, ShellRequest(command="x"))


# -- kept output -------------------------------------------------------------------------------


async def test_kept_output_is_read_and_checked(either: Either, controller: FakeController, tmp_path: Path) -> None:
    kept = {"hostname": "web-01", "machine_id": MACHINE, "name": "stdout", "size": 3}
    good = {**kept, "sha256": hashlib.sha256(b"abc").hexdigest()}
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"
    for listed in (good, good, {**good, "sha256": "0" * 64}):
        controller.answer({"items": [listed], "total": 1}).answer(raw=[head, b"abc"])
    assert b"".join(await either(lambda client: client.jobs.outputs.read(JOB, "web-01", "stdout"))) == b"abc"
    await either(lambda client: client.jobs.outputs.save(JOB, MACHINE, "stdout", tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == b"abc"
    with pytest.raises(errors.SdkError):
        await either(lambda client: client.jobs.outputs.read(JOB, "web-01", "stdout"))
    assert controller.asked[1].path == f"/api/job/{JOB}/output/web-01/stdout"
