"""Receivers of messages: a real HTTP server and a real SMTP server, each in threads of the test."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class HttpSink:
    """Takes what apprise posts as JSON. `refuses` answers that many requests 500 first."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses = 0
        self.arrived = threading.Event()

    def titles(self) -> list[str]:
        return [each["title"] for each in self.got]

    def take(self, body: bytes) -> int:
        self.arrived.set()
        if self.refuses:
            self.refuses -= 1
            return 500
        self.got.append(json.loads(body))
        return 200


@contextmanager
def http_sink() -> Iterator[tuple[HttpSink, int]]:
    """The sink and its port."""
    sink = HttpSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(sink.take(body))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class MailSink:
    """Takes mail."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.recipients: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.got.append(email.message_from_bytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@contextmanager
def mail_sink(port: int) -> Iterator[MailSink]:
    """A mail server on a port."""
    sink = MailSink()
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield sink
    finally:
        server.stop()
