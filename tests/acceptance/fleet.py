"""The test bed and the system that runs on it, as objects."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sinks import HttpSink

from osapi.config.client import load
from osapi.sdk.client import Client
from osapi.tls.trust import Trust
from osapi.transport.address import Address, Credentials

ROOT = Path(__file__).parents[2]
OSAPI = Path(sys.executable).with_name("osapi")
HOSTS = 3
_NET = os.environ.get("OSAPI_TESTS_NET", "10.78.0")
_BED = {  # a bed of our own, beside the developer's; checkouts that are tested at once name different ones
    "OSAPI_TESTBED_PREFIX": os.environ.get("OSAPI_TESTS_PREFIX", "ost"),
    "OSAPI_TESTBED_NET": _NET,
}
OUTSIDE = f"{_NET}.1"
_CA = "/etc/osapi/ca.crt"
_UNIT = f"""[Unit]
Description=OSAPI agent
[Service]
ExecStart={OSAPI} agent start
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


class Bed:
    """The test bed: `testbed/hosts.sh` as an object."""

    def __call__(self, *words: object, stdin: bytes = b"", check: bool = True) -> str:
        """Run one of its commands and return what it prints."""
        done = subprocess.run(
            [ROOT / "testbed" / "hosts.sh", *map(str, words)],
            input=stdin,
            capture_output=True,
            env={**os.environ, **_BED},
            timeout=240,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"hosts.sh {words}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def write(self, host: int, path: str, content: bytes, mode: str = "644") -> None:
        """Put a file on a host."""
        self("enter", host, "install", "-D", "-m", mode, "/dev/stdin", path, stdin=content)


@dataclass(frozen=True)
class Answer:
    """What `osapi` printed and how it ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The entries by host name."""
        return {entry["hostname"]: entry for entry in self.json["results"]}


@dataclass(frozen=True)
class Fleet:
    """The running system. Host I of the bed is `host<I>` to OSAPI until somebody renames it."""

    bed: Bed
    environ: dict[str, str]
    data: Path
    """Where the controller keeps its keys."""
    told: HttpSink
    """Who is notified of what goes wrong with hosts."""

    @property
    def broker(self) -> Address:
        """Where the broker is for who has the controller's own key."""
        seed = Credentials(nkey_file=self.data / "nkeys" / "controller.seed")
        return Address((f"tls://{OUTSIDE}:4222",), auth=seed, tls=Trust(ca=str(authority(self.data))))

    @contextmanager
    def sdk(self) -> Iterator[Client]:
        """The system as a program uses it."""
        context = load(self.environ)
        with Client(context.url, context.token, ca_file=context.ca) as client:
            yield client

    def client(self, *words: str, stdin: str = "", folder: Path | None = None) -> Answer:
        """Run `osapi client … --json`, in `folder` if that matters."""
        done = subprocess.run(
            [OSAPI, "client", *words, "--json"],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ,
            cwd=folder,
            timeout=90,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


def eventually(holds: Callable[[], object], what: str, within_s: float = 30.0) -> None:
    """Wait until `holds` is true; fail when it is not in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Running:
    """A program that is ended with SIGTERM."""

    def __init__(self, words: list[str], environ: dict[str, str], log: Any) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", str(OSAPI), *words]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=20)
        self._process.kill()
        self._process.wait()


def authority(data: Path) -> Path:
    """Who vouches for controller and broker, as `osapi tls init` makes it."""
    return data / "tls" / "ca.crt"


def start_agent(bed: Bed, host: int, join: str, ca: Path) -> None:
    """Give a host what an agent needs, and nothing more: a join token, an authority, settings, a unit."""
    bed.write(host, _CA, ca.read_bytes())
    bed.write(host, "/var/lib/osapi/join", join.encode(), mode="600")
    labels = f"{{group: web.{'dev' if host == 1 else 'live'}}}"
    reached = f"nats: {{tls: {{ca: {_CA}}}}}"
    settings = (
        f"agent: {{join: '@/var/lib/osapi/join', {reached}, labels: {labels}, fetch: {{paths: [/srv/osproof]}}}}\n"
    )
    bed.write(host, "/etc/osapi/osapi.yaml", settings.encode())
    bed.write(host, "/etc/systemd/system/osapi-agent.service", _UNIT.encode())
    bed("enter", host, "chmod", "700", "/var/lib/osapi")
    bed("enter", host, "systemctl", "enable", "--now", "osapi-agent")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def is_ready(port: int, ca: Path) -> bool:
    return readiness(f"https://127.0.0.1:{port}", ca) == 200


def readiness(url: str, ca: Path) -> int:
    """The status of its answer; 0 when there is none."""
    trusted = ssl.create_default_context(cafile=ca)
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2, context=trusted) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as problem:
        return problem.code
    except OSError:
        return 0
