"""A controller as a process, and clients that speak HTTP to it, over TLS where all is."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import yaml
from bench import certificates
from bench.certificates import HOST, Certificates
from tests import asking

from osapi.auth import keyring, tokens
from osapi.auth.keyring import KeyRing
from osapi.contract.ids import MachineId
from osapi.fleet import models
from osapi.fleet.models import AgentRecord
from osapi.tls.trust import context
from osapi.transport.broker import Broker

READY_S = 40.0
OSAPI = str(Path(sys.executable).with_name("osapi"))


def free_port() -> int:
    """A TCP port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], Any], within_s: float = READY_S) -> Any:
    """The first true result of `holds`; fail when there is none in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s:g} s")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ControllerProcess:
    """`python -m osapi.controller` on a free port; `start` again is a restart."""

    folder: Path
    nats: dict[str, Any]
    """Where the broker is: the section `controller.nats`."""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _ring: KeyRing | None = None

    @cached_property
    def certificates(self) -> Certificates | None:
        """Those of the API; None: it is served without TLS."""
        return certificates.when_wanted(self.folder / "tls")

    @property
    def ring(self) -> KeyRing:
        """The keys that sign tokens."""
        if self._ring is None:
            self._ring = keyring.load_or_create(self.folder / "data" / "keys" / "tokens.json")
        return self._ring

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def forget_peak(self) -> None:
        """Begin to measure `peak_kb` anew; see proc(5), clear_refs."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def peak_kb(self) -> int:
        """The most resident memory so far; see proc(5)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    def start(self, *, wait: bool = True) -> None:
        assert self.process is None
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "osapi.yaml"
        file.write_text(yaml.safe_dump(self._settings()))
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            # setpriv(1): the controller dies with the tests, however they die.
            line = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "osapi.controller", "-f", str(file)]
            self.process = subprocess.Popen(line, env=environ, stdout=log, stderr=log)
        if wait:
            until(self._is_ready)

    def _settings(self) -> dict[str, Any]:
        shown = self.certificates.shown if self.certificates else {}
        controller = {
            "api": {"port": self.port, **shown, **self.settings.get("api", {})},
            "nats": {"auth": {"type": "none"}, **self.nats},
            **self.settings.get("controller", {}),
        }
        more = {name: value for name, value in self.settings.items() if name not in ("api", "controller")}
        return {
            "data_dir": str(self.folder / "data"),
            "controller": controller,
            "telemetry": {"log": {"format": "json"}},
            **more,
        }

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return self.get("/health/ready").status == 200
        except OSError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout_s: float = READY_S) -> int:
        """Wait for its end; returns the exit status (negative: the signal)."""
        assert self.process is not None
        status = self.process.wait(timeout=timeout_s)
        self.process = None
        return status

    def end(self) -> None:
        """Whatever its state, let nothing of it be left."""
        if self.process is not None:
            self.process.kill()
            self.wait()

    def token(self, *roles: str, permissions: Iterable[str] = (), expired: bool = False) -> str:
        now = datetime.now(UTC) - timedelta(hours=2 if expired else 0)
        return tokens.issue(self.ring, "anna", roles, permissions, timedelta(hours=1), now)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificates else 'http'}://{HOST}:{self.port}"

    @property
    def ca_file(self) -> str:
        """The authority of its certificate; empty: there is none."""
        return self.certificates.ca if self.certificates else ""

    @cached_property
    def ssl(self) -> ssl.SSLContext | None:
        """For clients on sockets of their own; None: there is no TLS."""
        return context(self.certificates.trust) if self.certificates else None

    @property
    def client_environ(self) -> dict[str, str]:
        """What `osapi client` needs to reach it as somebody who may do everything."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "OSAPI_CONTROLLER_CLIENT_URL": self.url,
            "OSAPI_CONTROLLER_CLIENT_TLS_CA": self.ca_file,
            "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": self.token("admin"),
        }

    def connect(self, timeout_s: float = READY_S) -> http.client.HTTPConnection:
        return asking.connection(HOST, self.port, self.ssl, timeout_s=timeout_s)

    def get(self, path: str, token: str = "", **headers: str) -> Answer:
        return self.call("GET", path, token, **headers)

    def call(self, method: str, path: str, token: str = "", body: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own; `body` is sent as JSON unless it is bytes."""
        connection = self.connect()
        try:
            return send(connection, method, path, token, body, **headers)
        finally:
            connection.close()


def osapi(controller: ControllerProcess, *words: str) -> Any:
    """What a command on the controller's machine answers, with its settings."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(controller.folder),
        "OSAPI_CONTROLLER_CLIENT_TLS_CA": controller.ca_file,
    }
    line = [OSAPI, *words, "--json", "-f", str(controller.folder / "osapi.yaml")]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def send(
    connection: http.client.HTTPConnection, method: str, path: str, token: str = "", body: Any = None, **headers: str
) -> Answer:
    """One request on an open connection. Header names are written with underscores."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        lines["Authorization"] = f"Bearer {token}"
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, lines)
    reply = connection.getresponse()
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


async def register(broker: Broker, machine: str, **labels: str) -> None:
    """Put a host into the registry that is ready and never answers."""
    now = datetime.now(UTC)
    record = AgentRecord(
        machine_id=MachineId(machine),
        hostname=f"host-{machine}",
        labels=labels,
        version="1",
        registered_at=now,
        started_at=now,
        heartbeat_at=now,
    )
    await broker.bucket("agent-registry").put(models.key(record.machine_id), msgspec.json.encode(record))
