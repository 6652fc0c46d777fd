"""The REST API as a client of HTTP: ids, methods, bodies, and the one shape of every failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from tests.integration.api.kit import Installation

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SHELL = "/api/node/web-00/command/shell"


def failed(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """A failure in the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) <= {"error", "code", "details", "job_id"}
    assert (body["code"], bool(body["error"])) == (code, True)
    return body


async def test_the_id_of_a_request_comes_back_with_every_answer(fleet: Installation) -> None:
    for path in ("/api/node/web-00/os", "/api/job/none", "/api/nowhere", "/health", "/nowhere"):
        answer = await fleet.admin.get(path, x_request_id="my-request.1")
        assert answer.headers["x-request-id"] == "my-request.1"
    async with fleet.caller("") as nobody:
        assert (await nobody.get("/api/job", x_request_id="refused-1")).headers["x-request-id"] == "refused-1"


@pytest.mark.parametrize("given", [None, "", "two words", "x" * 65, "a;b", "é"])
async def test_a_request_without_a_plain_id_gets_one_of_its_own(fleet: Installation, given: str | None) -> None:
    headers = {} if given is None else {"x_request_id": given.encode()}
    ids = [(await fleet.admin.get("/health", **headers)).headers["x-request-id"] for _ in range(2)]  # type: ignore[arg-type] # bytes go through as they are
    assert ids[0] != ids[1]
    assert given not in ids


@pytest.mark.parametrize(
    "path", ["/api/nowhere", "/api/job/", "/api/node/web-00/nothing", "/api//job", "/nowhere", "/"]
)
async def test_a_path_that_does_not_exist_is_404(fleet: Installation, path: str) -> None:
    failed(await fleet.admin.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/job", "GET, HEAD"),
        ("PATCH", "/api/node/web-00/hostname", "GET, HEAD, PUT"),
        ("OPTIONS", "/api/job", "GET, HEAD"),
        ("GET", SHELL, "POST"),
        ("HEAD", "/api/events", "GET"),
        ("DELETE", "/health", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_has_not_is_405_and_tells_those_it_has(
    fleet: Installation, method: str, path: str, allowed: str
) -> None:
    answer = await fleet.admin(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert allowed in failed(answer, 405, "method_not_allowed")["error"]


@pytest.mark.parametrize("path", ["/api/job", "/health", "/api/openapi.json", "/api/job/none", "/api/nowhere"])
async def test_head_is_get_without_the_body(fleet: Installation, path: str) -> None:
    whole, head = await fleet.admin.get(path), await fleet.admin("HEAD", path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    if path != "/api/job":  # which grows
        assert head.headers["content-length"] == whole.headers["content-length"]


async def test_pages_of_other_origins_may_not_call(fleet: Installation) -> None:
    asked = await fleet.admin("OPTIONS", "/api/job", origin="https://evil.example", access_control_request_method="GET")
    plain = await fleet.admin.get("/api/job", origin="https://evil.example")
    assert [name for answer in (asked, plain) for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}x",
        b"\xff",
        b'{"command":"true",}',
        b'{"timeout":1e400}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_a_body_that_is_no_object_is_400(fleet: Installation, body: bytes) -> None:
    told = failed(await fleet.admin.post(SHELL, body), 400, "invalid")
    assert "body" in told["error"]
    assert "job_id" not in told


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "command"),
        ({"command": ""}, "command"),
        ({"command": 1}, "command"),
        ({"command": "true", "timeout": 0}, "timeout"),
        ({"command": "true", "timeout": 301}, "timeout"),
        ({"command": "true", "timeout": "30"}, "timeout"),
        ({"command": "true", "env": ["A"]}, "env"),
        ({"command": "true", "cwd": "relative"}, "cwd"),
        ({"command": "a\0b"}, "command"),
    ],
)
async def test_a_value_that_is_not_allowed_is_400_and_named(
    fleet: Installation, body: dict[str, Any], field: str
) -> None:
    told = failed(await fleet.admin.post(SHELL, body), 400, "invalid")
    assert field in told["error"]
    assert told["details"]["field"].startswith(field)


async def test_a_body_over_the_limit_is_413(fleet: Installation) -> None:
    limit = 1 << 20
    failed(await fleet.admin.post(SHELL, b"x" * (limit + 1)), 413, "too_large")

    async def pieces() -> Any:
        for _ in range(20):
            yield b"x" * (limit // 10)

    async with httpx2.AsyncClient(timeout=30, verify=fleet.admin.tls or True) as client:
        address = f"{fleet.admin.url}{SHELL}"
        headers = {"authorization": f"Bearer {fleet.admin.token}"}
        failed(await client.post(address, content=pieces(), headers=headers), 413, "too_large")
    assert (await fleet.admin.post(SHELL, {"command": "true", "stdin": "x" * 262144})).status_code == 202


@pytest.mark.parametrize(
    "line", [b"NONSENSE", b"BREW /api/job HTTP/1.1", b"GET /api/job HTTP/9.9", b"GET /\x01 HTTP/1.1"]
)
async def test_what_is_no_http_is_400_in_the_one_shape(fleet: Installation, line: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", fleet.stack.api_port, ssl=fleet.admin.tls)
    writer.write(line + b"\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "invalid"


async def test_a_request_for_another_name_of_this_machine_is_served(fleet: Installation) -> None:
    answer = await fleet.admin.get("/health", host="osapi.example")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_answers_are_not_kept_by_caches(fleet: Installation) -> None:
    for path in ("/api/job", "/api/nowhere", "/health"):
        assert (await fleet.admin.get(path)).headers["cache-control"] == "no-store"


async def test_what_a_path_holds_is_decoded_once(fleet: Installation) -> None:
    twice = await fleet.admin.get("/api/node/web%252D00/os")
    once = await fleet.admin.get("/api/node/web%2D00/os")
    assert (once.status_code, twice.status_code) == (200, 400)
