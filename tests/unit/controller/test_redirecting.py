from __future__ import annotations

from typing import Any

import pytest

from osapi.controller.redirecting import Redirecting

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def sent_to(port: int, host: str | None, path: str, query: str = "") -> str:
    """Where a request is sent on to."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        raise AssertionError("the body is not asked for")

    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": "http", "headers": headers, "raw_path": path.encode(), "query_string": query.encode()}
    await Redirecting(port, "10.0.0.1")(scope, receive, send)
    assert said[0]["status"] == 308
    return dict(said[0]["headers"])[b"location"].decode()


@pytest.mark.parametrize(
    ("port", "host", "path", "query", "place"),
    [
        (8443, "osapi.test:8080", "/api/job", "", "https://osapi.test:8443/api/job"),
        (443, "osapi.test", "/", "a=b&c=%2F", "https://osapi.test/?a=b&c=%2F"),
        (8443, "[::1]:80", "/a%2Fb", "", "https://[::1]:8443/a%2Fb"),
        (8443, "[::1]", "/", "", "https://[::1]:8443/"),
        (8443, None, "/", "", "https://10.0.0.1:8443/"),
    ],
)
async def test_a_request_is_sent_on_as_it_was(port: int, host: str | None, path: str, query: str, place: str) -> None:
    assert await sent_to(port, host, path, query) == place
