"""Shows a program's figures and its health over HTTP, on a port of its own, in threads of its own.

Three paths: `/metrics`, `/health`, `/health/ready`. The server is that of the Prometheus client library.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, cast
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import (
    CollectorRegistry,
    make_wsgi_app,  # pyright: ignore[reportUnknownVariableType] # half typed
)
from prometheus_client.exposition import ThreadingWSGIServer

from osapi.contract.errors import Invalid
from osapi.telemetry.log import get_logger
from osapi.telemetry.metrics import Certified, Checks, Place, problems
from osapi.tls.pair import Pair

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SLOW_S = 10
"""Silence after which a connection is cut."""

_log = get_logger(__name__)


class Exposition:
    """Answers from its making to `close`. `address` is where, as `host:port`.

    Raises `Invalid`, naming the settings below `key`, when the address cannot be had.
    """

    def __init__(self, key: str, place: Place, registry: CollectorRegistry, checks: Checks) -> None:
        host = place.host or "127.0.0.1"
        try:
            self._server = _Server(host, place.port, _context(f"{key}.tls", place.tls))
        except OSError as problem:
            raise Invalid(
                f"{key}: {host}:{place.port} cannot be listened on: {problem.strerror}; "
                f"choose another {key}.port, or stop what is there"
            ) from problem
        figures = cast("WSGIApplication", make_wsgi_app(registry))
        self._server.set_app(_application(figures, checks))
        port = self._server.server_port
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        _log.info("metrics.ready", address=f"{'https' if place.tls.cert else 'http'}://{self.address}/metrics")

    def close(self) -> None:
        """Answer nothing more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Quiet(WSGIRequestHandler):
    """Says nothing about requests, and cuts who is slow."""

    timeout = _SLOW_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the library
        """Leave it out."""


class _Server(ThreadingWSGIServer):
    """Listens without asking the name service for this machine's own name, as the server of the library does."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._tls = tls
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        super().__init__((host, port), _Quiet)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self._host, self.server_address[1]
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is left to the thread of the request: here it would keep all others waiting."""
        arrived, address = super().get_request()
        if self._tls is None:
            return arrived, address
        arrived.settimeout(_SLOW_S)
        return self._tls.wrap_socket(arrived, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - of the library
        """Say in the log what a connection failed at; the library would print it."""
        _log.debug("metrics.request_failed", error=str(sys.exc_info()[1]))


def _context(section: str, tls: Certified) -> ssl.SSLContext | None:
    if not tls.cert:
        return None
    from osapi.tls.serving import ServingTls

    return ServingTls(Pair(section, Path(tls.cert).absolute(), Path(tls.key).absolute())).context


def _application(metrics: WSGIApplication, checks: Checks) -> WSGIApplication:
    routes: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        "/health": lambda: ("200 OK", {"status": "ok"}),
        "/health/ready": lambda: _readiness(checks),
    }

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        status, body = routes.get(path, _unknown)()
        content = json.dumps(body).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
        return [content]

    return application


def _readiness(checks: Checks) -> tuple[str, dict[str, str]]:
    if error := problems(checks.values()):
        return "503 Service Unavailable", {"status": "not_ready", "error": error}
    return "200 OK", {"status": "ready"}


def _unknown() -> tuple[str, dict[str, str]]:
    return "404 Not Found", {"error": "there are /metrics, /health and /health/ready", "code": "not_found"}
