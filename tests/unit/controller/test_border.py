"""Request ids, and what becomes of failures."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from tests.unit.controller.kit import JOB, Stage, Wire, answer_of, bearer, call, stage

from osapi.contract import errors
from osapi.contract.errors import OsapiError
from osapi.controller.errors import HOST_STATUS, STATUS, answer_to, status_of

pytestmark = pytest.mark.anyio

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OsapiError)]
STATUSES = {
    "OsapiError": 500,
    "Invalid": 400,
    "Unauthenticated": 401,
    "Forbidden": 403,
    "Protected": 403,
    "NotFound": 404,
    "NotManaged": 404,
    "Conflict": 409,
    "TooLarge": 413,
    "TooMany": 429,
    "Unsupported": 422,
    "MissingTool": 422,
    "Permanent": 500,
    "CommandFailed": 500,
    "DeadlineExceeded": 500,
    "NoAnswer": 504,
    "Unavailable": 503,
    "StoreFull": 507,
}


@pytest.fixture
def played() -> Stage:
    return stage()


def test_every_kind_of_failure_has_its_status() -> None:
    assert {kind.__name__: status_of(kind("x")) for kind in KINDS} == STATUSES
    assert set(STATUS) <= set(KINDS)
    assert HOST_STATUS == {"not_found": 404, "not_managed": 404, "conflict": 409, "protected": 403}


@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_is_told_in_the_one_shape(kind: type[OsapiError]) -> None:
    answer = answer_to(kind("words", details={"field": "x"}, job_id=JOB))
    assert answer.body == (
        b'{"error":"words","code":"%b","details":{"field":"x"},"job_id":"%b"}' % (kind.code.encode(), JOB.encode())
    )


def test_what_may_pass_says_when_to_try_again() -> None:
    assert (b"retry-after", b"1") in answer_to(errors.Unavailable("x")).headers
    assert (b"retry-after", b"60") in answer_to(errors.StoreFull("x")).headers
    assert (b"retry-after", b"3") in answer_to(errors.TooMany.until("x", 2.1)).headers


async def test_every_answer_has_an_id_of_its_own(played: Stage) -> None:
    ids = {(await played.call("GET", path)).headers["x-request-id"] for path in ("/health", "/nothing", "/api/job")}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]+", each) for each in ids)


@pytest.mark.parametrize("given", ["a", "Req_1.2-3", "x" * 64])
async def test_a_plain_id_of_the_client_is_kept(played: Stage, given: str) -> None:
    assert (await played.call("GET", "/health", x_request_id=given)).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\r\nset-cookie: x", "<b>", "é"])
async def test_any_other_id_is_replaced(played: Stage, given: str) -> None:
    assert (await played.call("GET", "/health", x_request_id=given)).headers["x-request-id"] != given


async def test_an_unexpected_failure_tells_nothing_of_the_inside(
    played: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    played.jobs.breaks = RuntimeError("secret inside")
    answer = await played.call("GET", "/api/node/_all/os", authorization=bearer("read"))
    assert answer.status == 500
    assert answer.json["code"] == "internal"
    assert answer.json["job_id"] == JOB, "the job goes on, and the caller must be able to find it"
    assert answer.headers["x-request-id"] in answer.json["error"]
    assert "secret inside" not in answer.body.decode()
    assert "secret inside" in caplog.text


async def test_a_client_that_goes_in_the_middle_of_its_body_is_not_answered(
    played: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire("POST", "/api/node/_any/sysctl", [b"{", b""], {"authorization": bearer("admin")})
    wire.gone.set()
    wire._chunks = []
    with caplog.at_level(logging.WARNING):
        await played.app(wire.scope, wire.receive, wire.send)
    assert wire.messages.empty()
    assert not caplog.records


async def test_a_failure_after_the_first_bytes_is_left_to_the_server() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    from osapi.controller.border import Border

    with pytest.raises(RuntimeError, match="too late"):
        await call(Border(broken), "GET", "/")


async def test_each_request_is_logged_for_those_who_look_closely(
    played: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await played.call("GET", "/api/node/_all/os?wait=0", authorization=bearer("read"), x_request_id="r1")
    fields = next(vars(record)["fields"] for record in caplog.records if record.getMessage() == "http.request")
    assert (fields["method"], fields["path"], fields["status"]) == ("GET", "/api/node/_all/os", 202)
    assert (fields["request_id"], fields["job_id"]) == ("r1", JOB)
    assert "Bearer" not in caplog.text


async def test_pages_of_other_origins_may_not_call_unless_the_settings_say_so(played: Stage) -> None:
    origin = {"origin": "https://ops.example.org"}
    asked = {**origin, "access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    assert "access-control-allow-origin" not in (await played.call("GET", "/health", **origin)).headers
    assert (await played.call("OPTIONS", "/api/job", **asked)).status == 401
    allowing = stage(origins=["https://ops.example.org"])
    answer = await allowing.call("GET", "/api/job", **origin)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, "https://ops.example.org")
    assert (await allowing.call("OPTIONS", "/api/job", **asked)).status == 200
    other = await allowing.call("GET", "/health", origin="https://evil.example.org")
    assert "access-control-allow-origin" not in other.headers


async def test_a_wait_that_is_cut_short_by_the_stop_tells_the_job(played: Stage) -> None:
    played.jobs.breaks = asyncio.CancelledError()
    wire = Wire("GET", "/api/node/_all/os", b"", {"authorization": bearer("read")})
    await played.app(wire.scope, wire.receive, wire.send)
    answer = await answer_of(wire)
    assert (answer.status, answer.json["code"], answer.json["job_id"]) == (503, "unavailable", JOB)
