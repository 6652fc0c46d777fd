"""Fixtures that every test may use: the event loop, a real broker, a connection to it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench import certificates
from bench.certificates import Certificates

from osapi.transport.address import Address
from osapi.transport.broker import Broker

_START_S = 10.0


class NatsServer:
    """A real `nats-server` with JetStream on disk, on a port that stays the same across restarts."""

    within: Sequence[str] = ()
    """What runs the program, for one that should see another disk."""

    def __init__(self, folder: Path, extra_config: str = "", tls: Certificates | None = None) -> None:
        self._folder = folder
        self._certificates = tls or certificates.when_wanted(folder / "tls")
        self._extra = extra_config
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"{'tls' if self._certificates else 'nats'}://127.0.0.1:{self._port}"

    @property
    def address(self) -> Address:
        """Where it is, and whom to trust there; without a name."""
        return Address(servers=(self.url,), tls=self._certificates.trust if self._certificates else None)

    @property
    def settings(self) -> dict[str, Any]:
        """The section `nats` of a program that connects to it."""
        host, _, port = self.url.rpartition("://")[2].rpartition(":")
        return {"host": host, "port": int(port), **(self._certificates.trusted if self._certificates else {})}

    @property
    def store(self) -> Path:
        """Where JetStream keeps its files."""
        return self._folder / "store"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self._folder / "nats.log").read_text()

    def configure(self, extra_config: str) -> None:
        """Use these lines of configuration from the next start on."""
        self._extra = extra_config

    def start(self) -> None:
        """Start and return when it accepts connections."""
        assert self._process is None
        config = self._folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self._port}"\n'
            f'ports_file_dir: "{self._folder}"\n'
            f'jetstream {{ store_dir: "{self.store}", sync_interval: always }}\n'
            f"{self._tls()}{self._extra}\n"
        )
        for stale in self._folder.glob("nats-server_*.ports"):
            stale.unlink()
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        with (self._folder / "nats.log").open("ab") as log:
            # setpriv(1): the broker dies with the tests, however they die.
            command = [*self.within, "setpriv", "--pdeathsig", "KILL", str(binary), "-c", str(config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_ready()

    def _tls(self) -> str:
        """The block `tls`; a second one in the configuration takes its place."""
        made = self._certificates
        return f'tls {{ cert_file: "{made.cert}", key_file: "{made.key}" }}\n' if made else ""

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for ports in self._folder.glob("nats-server_*.ports"):
                text = ports.read_text()
                if text.endswith("}"):
                    self._port = int(json.loads(text)["nats"][0].rpartition(":")[2])
                    return
            time.sleep(0.005)
        raise AssertionError(f"nats-server did not start:\n{self.log}")

    def kill(self) -> None:
        """End it with SIGKILL; the store stays."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it with SIGTERM; the store stays. A second call changes nothing."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Start it again on the same port and store, after ending it if it runs."""
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A fresh broker of one's own, nothing provisioned."""
    folder = tmp_path / "nats"
    folder.mkdir()
    server = NatsServer(folder)
    yield server
    server.stop()


@pytest.fixture
async def broker(nats_server: NatsServer) -> AsyncIterator[Broker]:
    """A connection to `nats_server`."""
    broker = await Broker.connect(nats_server.address, name="test")
    yield broker
    await broker.close()


class Connect:
    """Makes connections to one broker, each closed when the test ends."""

    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self._made: list[Broker] = []

    async def __call__(self, address: Address | None = None, **more: Any) -> Broker:
        broker = await Broker.connect(address or self._server.address, **{"name": "test", **more})
        self._made.append(broker)
        return broker

    async def close(self) -> None:
        for broker in self._made:
            await broker.close()


@pytest.fixture
async def connect(nats_server: NatsServer) -> AsyncIterator[Connect]:
    """`await connect()` makes one more connection to `nats_server`."""
    connect = Connect(nats_server)
    yield connect
    await connect.close()


Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def eventually() -> Eventually:
    """`await eventually(condition, within_s=5.0)` returns when `condition()` is true, or fails."""

    async def wait(condition: Callable[[], object], within_s: float = 5.0) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not condition():
            assert loop.time() < deadline, f"not so within {within_s} s"
            await asyncio.sleep(0.005)

    return wait


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures of the fault matrix: every line `row …: …` that a passed test printed."""
    passed = terminalreporter.stats.get("passed", [])
    figures = [line for report in passed for line in report.capstdout.splitlines() if line.startswith("row")]
    if figures:
        terminalreporter.section("figures of the fault matrix (docs/reliability.md)")
        for line in sorted(figures):
            terminalreporter.line(line)
