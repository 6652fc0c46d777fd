"""What every request passes: token, permission, then everything else, in this order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.auth.test_tokens import ATTACKS
from tests.unit.controller.kit import OPERATIONS, Stage, bearer, stage

from osapi.auth import revocation

pytestmark = pytest.mark.anyio

ANSWER = {"error": "a valid bearer token is required", "code": "unauthenticated"}


@pytest.fixture
def played() -> Stage:
    return stage()


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "bearer\t", "Token x", "Bearer x y", "Bearer Bearer x"]
)
async def test_without_a_bearer_token_nothing_is_told(played: Stage, header: str) -> None:
    answer = await played.call("GET", "/api/node/_any/hostname", authorization=header)
    assert (answer.status, answer.json) == (401, ANSWER)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", [name for name in ATTACKS if ATTACKS[name].isascii() and ATTACKS[name].isprintable()])
async def test_every_refused_token_has_the_same_answer(played: Stage, name: str) -> None:
    answer = await played.call("GET", "/api/node/_any/hostname", authorization=f"Bearer {ATTACKS[name]}")
    assert (answer.status, answer.json) == (401, ANSWER)
    assert set(answer.headers) == {
        "cache-control",
        "content-length",
        "content-type",
        "www-authenticate",
        "x-content-type-options",
        "x-request-id",
    }


async def test_a_revoked_token_is_refused_at_once(played: Stage) -> None:
    token = bearer("admin")
    assert (await played.call("GET", "/api/node/_all/hostname?wait=0", authorization=token)).status == 202
    played.revoked.apply(revocation.key_of(_id_of(token)), deleted=False)
    answer = await played.call("GET", "/api/node/_all/hostname?wait=0", authorization=token)
    assert (answer.status, answer.json) == (401, ANSWER)


async def test_an_expired_token_is_refused(played: Stage) -> None:
    answer = await played.call("GET", "/api/node/_any/os", authorization=bearer("admin", age=timedelta(hours=1)))
    assert (answer.status, answer.json) == (401, ANSWER)


async def test_the_scheme_may_be_written_in_any_case(played: Stage) -> None:
    token = bearer("admin").replace("Bearer", "bEaReR")
    assert (await played.call("GET", "/api/node/_all/os?wait=0", authorization=token)).status == 202


async def test_a_missing_permission_is_named_and_nothing_else(played: Stage) -> None:
    answer = await played.call("POST", "/api/node/_any/command/exec", b"{", authorization=bearer("read"))
    assert answer.status == 403
    assert answer.json["code"] == "forbidden"
    assert "command:execute" in answer.json["error"]
    assert "node:read" not in answer.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/no/such/path", b""),
        ("PATCH", "/api/node/_any/hostname", b""),
        ("POST", "/api/node/_any/sysctl", b"{"),
        ("POST", "/api/node/_any/sysctl", b"x" * 100_000),
        ("GET", "/api/node/%ff/hostname", b""),
        ("GET", "/api/node/no-such-host/hostname", b""),
        ("GET", "/api/job/not-an-id", b""),
    ],
)
async def test_the_token_comes_before_everything_else(played: Stage, method: str, path: str, body: bytes) -> None:
    answer = await played.call(method, path, body)
    assert (answer.status, answer.json) == (401, ANSWER)
    refused = await played.call(method, path, body, authorization=bearer("admin"))
    assert refused.status in (400, 404, 405, 413)


async def test_the_permission_comes_before_the_request_is_read(played: Stage) -> None:
    for body in (b"{", b"x" * 100_000):
        answer = await played.call("POST", "/api/node/_any/sysctl", body, authorization=bearer("read"))
        assert answer.status == 403


async def test_an_unknown_path_is_404_in_the_one_shape(played: Stage) -> None:
    for path, headers in (("/api/nothing", {"authorization": bearer("read")}), ("/nothing", {}), ("/", {})):
        answer = await played.call("GET", path, **headers)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_a_wrong_method_is_405_and_names_those_there_are(played: Stage) -> None:
    answer = await played.call("DELETE", "/api/node/_any/sysctl", authorization=bearer("read"))
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_head_answers_like_get_without_a_body(played: Stage) -> None:
    full = await played.call("GET", "/api/health")
    head = await played.call("HEAD", "/api/health")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"] != "0"
    refused = await played.call("HEAD", "/api/job")
    assert (refused.status, refused.body) == (401, b"")


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/api/health", "/api/health/ready", "/api/openapi.json"])
async def test_the_open_routes_need_no_token_and_take_no_notice_of_one(played: Stage, path: str) -> None:
    assert (await played.call("GET", path)).status == 200
    assert (await played.call("GET", path, authorization="Bearer nonsense")).status == 200


def _id_of(header: str) -> str:
    import base64
    import json

    payload = header.split(".")[1]
    found: str = json.loads(base64.urlsafe_b64decode(payload + "=="))["jti"]
    return found


assert OPERATIONS, "the tests need operations to call"
