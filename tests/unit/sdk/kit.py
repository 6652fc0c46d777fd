"""A real HTTP server that answers what a test has laid ready, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "a.good.token"
JOB = "0b0f8a52-5c1e-4d5c-8f5e-5d1f8f1c2a10"
MACHINE = "3d1219c7c4c5404aaa1f6d2a48adfda4"


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Canned:
    """One answer. `raw` replaces everything from the status line on; `hang_up` closes without a word."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: Iterable[bytes] | None = None
    hang_up: bool = False


class FakeController:
    """Answers requests in the order in which answers were laid ready; the last one for ever."""

    def __init__(self, certificate: Path | None = None) -> None:
        """`certificate` is a PEM file with key and certificate; with it the server speaks https."""
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers: list[Canned] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._scheme = "https" if certificate else "http"
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, body: Any = None, status: int = 200, **more: Any) -> FakeController:
        """Lay an answer ready."""
        self._answers.append(Canned(status=status, body=body, **more))
        return self

    def results(self, *entries: dict[str, Any], status: int = 200) -> FakeController:
        """Lay the answer to a node operation ready."""
        return self.answer({"job_id": JOB, "results": list(entries)}, status)

    def next(self) -> Canned:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @contextmanager
    def running(self) -> Iterator[FakeController]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def ok(**payload: Any) -> dict[str, Any]:
    """The entry of a host that did it."""
    return {"hostname": "web-01", "machine_id": MACHINE, "status": "ok", **payload}


def failed(hostname: str, error: str, code: str) -> dict[str, Any]:
    """The entry of a host that did not."""
    return {"hostname": hostname, "machine_id": f"id-{hostname}", "status": "failed", "error": error, "code": code}


def event(number: str, name: str, **data: Any) -> bytes:
    """One server-sent event about `JOB`."""
    told = {
        "job_id": JOB,
        "event": name,
        "timestamp": "2026-01-31T12:00:00Z",
        "operation": "node.hostname.get",
        "target": "_all",
        "status": "processing",
        **data,
    }
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(told)}\n\n".encode()


def _handler(controller: FakeController) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            controller.connections += 1
            super().setup()

        def log_message(self, *arguments: Any) -> None:
            pass

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            controller.asked.append(Asked(self.command, self.path, headers, self.rfile.read(length)))
            canned = controller.next()
            if canned.hang_up:
                self.close_connection = True
                return
            if canned.raw is not None:
                for block in canned.raw:
                    self.wfile.write(block)
                    self.wfile.flush()
                self.close_connection = True
                return
            body = b"" if canned.status == 204 else json.dumps(canned.body).encode()
            self.send_response(canned.status)
            for name, value in canned.headers.items():
                self.send_header(name, value)
            if canned.status != 204:
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    return Handler
