"""An installation of its own for each test: settings by environment, free ports, everything in one folder.

It is served over TLS where everything is (`bench.certificates.wanted`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import certificates
from bench.certificates import HOST, Certificates
from tests import asking

from osapi.tls.trust import context
from osapi.transport.address import Address, Credentials

ENOUGH_S = 40.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], Any], what: str, timeout_s: float = ENOUGH_S) -> Any:
    """The first true result of `holds`, asked again and again."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s:g} s: {what}")


def descendants(pid: int) -> dict[int, str]:
    """Every process below `pid` with its command line; see proc(5)."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                with contextlib.suppress(OSError):
                    found[child] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                found |= descendants(child)
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Running:
    """A program under test; `pid` leads its process tree."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> str:
        return (self._folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self._folder / "err").read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines about one event."""
        lines = [line for line in self.err.splitlines() if line.startswith("{") and line.endswith("}")]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def wait_event(self, name: str, count: int = 1) -> dict[str, Any]:
        def seen() -> list[dict[str, Any]]:
            assert self.process.poll() is None or len(self.events(name)) >= count, self.err
            return self.events(name)[count - 1 :]

        first: dict[str, Any] = until(seen, f"{name} in the log")[0]
        return first

    def child(self, words: str) -> int:
        """The process below this one whose command line holds `words`."""
        found: int = until(lambda: next((p for p, line in descendants(self.pid).items() if words in line), 0), words)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=ENOUGH_S)


class Installation:
    """Settings and folders; `run` is for commands that end, `spawn` for programs that stay."""

    def __init__(self, folder: Path, tls: Certificates | None = None) -> None:
        self.folder = folder
        self.tls = tls
        self.ssl = context(tls.trust) if tls else None
        self.data = folder / "data"
        self.nats_port, self.api_port = free_port(), free_port()
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("OSAPI_")} | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "OSAPI_DATA_DIR": str(self.data),
            "OSAPI_NATS_SERVER_PORT": str(self.nats_port),
            "OSAPI_CONTROLLER_API_PORT": str(self.api_port),
            "OSAPI_AGENT_MACHINE_ID": "testmachine",
            **(_served(tls) if tls else {}),
        }
        self._running: list[Running] = []

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._line(words),
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=ENOUGH_S,
            cwd=self.folder,
            check=False,
        )

    def spawn(self, *words: str, **environ: str) -> Running:
        folder = self.folder / f"run{len(self._running)}"
        folder.mkdir()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            # setpriv(1): the program dies with the tests, however they die.
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._line(words)],
                env=self.environ | environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
            )
        self._running.append(Running(process, folder))
        return self._running[-1]

    def get(self, path: str, token: str = "") -> tuple[int, Any]:
        """Status and body; status 0 when nobody answers."""
        connection = asking.connection(HOST, self.api_port, self.ssl)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            return 0, None
        finally:
            connection.close()

    def ask(self, method: str, path: str, source: str) -> int:
        """Status of the answer to who shows no token. `source` is the address, below 127.0.0.0/8, that asks."""
        connection = asking.connection(HOST, self.api_port, self.ssl, source=(source, 0))
        try:
            connection.request(method, path, body=b"{}" if method in {"POST", "PUT", "PATCH"} else None)
            return connection.getresponse().status
        finally:
            connection.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.api_port}"

    @property
    def broker_url(self) -> str:
        return f"{'tls' if self.tls else 'nats'}://{HOST}:{self.nats_port}"

    def broker(self, auth: Credentials) -> Address:
        """Where the broker is, for who comes so."""
        return Address((self.broker_url,), auth=auth, tls=self.tls.trust if self.tls else None)

    @property
    def logs(self) -> str:
        """What every program wrote to standard error, to explain a failure."""
        return "\n".join(running.err for running in self._running)

    @property
    def context(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "config" / "osapi" / "context.json").read_text())
        return found

    def close(self) -> None:
        """Kill what still runs, and fail when something outlived its parent."""
        below = {pid: line for running in self._running for pid, line in descendants(running.pid).items()}
        for running in self._running:
            running.process.kill()
            running.process.wait(timeout=ENOUGH_S)
        until(lambda: not any(alive(pid) for pid in below), f"children end with their parent: {below}")

    def _line(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", *words] if words[0] == "osapi.broker" else [sys.executable, "-c", _CLI, *words]


def _served(tls: Certificates) -> dict[str, str]:
    """The settings for TLS between all parts."""
    shown = {
        f"OSAPI_{section}_TLS_{word}": file
        for section in ("CONTROLLER_API", "NATS_SERVER")
        for word, file in (("CERT", tls.cert), ("KEY", tls.key))
    }
    return shown | {
        f"OSAPI_{section}_TLS_CA": tls.ca for section in ("CONTROLLER_NATS", "AGENT_NATS", "CONTROLLER_CLIENT")
    }


_CLI = "import sys; from osapi.cli.main import main; sys.exit(main())"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    found = Installation(tmp_path, certificates.when_wanted(tmp_path / "certificates"))
    yield found
    found.close()


@pytest.fixture
def plain_installation(tmp_path: Path) -> Iterator[Installation]:
    """One without certificates whatever others have, for what is about that."""
    found = Installation(tmp_path)
    yield found
    found.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
