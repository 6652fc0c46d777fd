"""Sends whoever comes by plain HTTP to the TLS port: status 308, so that method and body stay (RFC 9110, 15.4.9)."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send


class Redirecting:
    """An ASGI application that answers every request with where it should have gone."""

    def __init__(self, port: int, host: str) -> None:
        """`port` is that of TLS; `host` is for requests that name none."""
        self._port = port
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        place = self._place(scope).encode("latin-1", "replace")
        headers = [(b"location", place), (b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 308, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _place(self, scope: Scope) -> str:
        asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), self._host)
        host = asked if asked.endswith("]") else asked.rpartition(":")[0] or asked
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        port = "" if self._port == 443 else f":{self._port}"
        return f"https://{host}{port}{scope['raw_path'].decode('latin-1')}{query}"
