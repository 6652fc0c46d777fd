"""Routes that slices write by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.controller.kit import Stage, bearer, stage

from osapi.contract.endpoint import Call, Endpoint, Reply
from osapi.contract.errors import NotFound

pytestmark = pytest.mark.anyio


class Request(msgspec.Struct):
    id: int
    colour: str = "red"


class Result(msgspec.Struct):
    id: int
    colour: str
    subject: str


def endpoint(method: str, status: int = 200, response: Any = Result) -> Endpoint:
    return Endpoint(
        operation_id=f"{method}Thing",
        method=method,
        path="/api/thing/{id}",
        permission="job:read",
        summary="Do a thing.",
        tag="Thing",
        request=Request,
        response=response,
        status=status,
    )


async def show(call: Call) -> Reply:
    request: Request = call.request
    return Reply(body=Result(request.id, request.colour, call.caller.subject))


async def remove(_: Call) -> Reply:
    return Reply()


async def make(_: Call) -> Reply:
    return Reply(body={"made": True}, headers={"Location": "/api/thing/7"})


async def miss(_: Call) -> Reply:
    raise NotFound("there is no thing 7")


@pytest.fixture
def played() -> Stage:
    return stage(
        slices=[
            (endpoint("GET"), show),
            (endpoint("DELETE", 204, None), remove),
            (endpoint("POST", 201), make),
            (endpoint("PUT"), miss),
        ]
    )


async def test_path_and_query_become_the_request(played: Stage) -> None:
    answer = await played.call("GET", "/api/thing/7?colour=blue", authorization=bearer("read"))
    assert (answer.status, answer.json) == (200, {"id": 7, "colour": "blue", "subject": "anna"})
    assert answer.headers["content-type"] == "application/json"


async def test_an_empty_reply_has_no_body(played: Stage) -> None:
    answer = await played.call("DELETE", "/api/thing/7", authorization=bearer("read"))
    assert (answer.status, answer.body) == (204, b"")
    assert not {"content-type", "content-length"} & set(answer.headers)


async def test_status_and_headers_of_the_reply_are_sent(played: Stage) -> None:
    answer = await played.call("POST", "/api/thing/7", authorization=bearer("read"))
    assert (answer.status, answer.json, answer.headers["location"]) == (201, {"made": True}, "/api/thing/7")


async def test_a_failure_of_the_handler_is_told(played: Stage) -> None:
    answer = await played.call("PUT", "/api/thing/7", authorization=bearer("read"))
    assert (answer.status, answer.json) == (404, {"error": "there is no thing 7", "code": "not_found"})


async def test_a_value_that_does_not_fit_is_400(played: Stage) -> None:
    answer = await played.call("GET", "/api/thing/seven", authorization=bearer("read"))
    assert (answer.status, answer.json["details"]) == (400, {"field": "id"})


async def test_readiness_tells_what_is_missing() -> None:
    problems = ["the broker is not connected"]

    def one() -> str | None:
        return problems[0] if problems else None

    played = stage(checks=[lambda: None, one, one])
    for path in ("/health/ready", "/api/health/ready"):
        answer = await played.call("GET", path)
        assert (answer.status, answer.json) == (503, {"status": "not_ready", "error": "the broker is not connected"})
        assert (await played.call("GET", path.removesuffix("/ready"))).json == {"status": "ok"}
    problems.clear()
    answer = await played.call("GET", "/health/ready")
    assert (answer.status, answer.json) == (200, {"status": "ready"})
