"""The product's own programs, started for one measurement: broker, controller, and agents, in a folder of their own.

Everything is as `osapi start` would have it, except for ports that are free, no limit to the requests of one token,
and, for the bench, one more identity at the broker. All processes are gone at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import certificates, proc
from bench.certificates import HOST, Certificates
from bench.children import ROOT, end
from bench.client import Api, connections
from bench.logins import Login
from bench.wire import connect
from osapi.cli import first_start
from osapi.config.lifeline import tied_to_parent
from osapi.config.load import load
from osapi.config.paths import Paths, paths
from osapi.contract.ids import MachineId
from osapi.pki import nkeys
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import load_or_create_keypair
from osapi.sdk.aio import AsyncClient

_READY_S = 60.0
_POLL_S = 0.02


@dataclass(eq=False)
class RunningAgent:
    """One agent as a process; `pid` is that of its present run."""

    machine: MachineId
    hostname: str
    pid: int


class Stack:
    """What is running. Made by `running`."""

    def __init__(
        self, folder: Path, *, changes: dict[str, Any], tls: Certificates | None = None, trusting: bool = False
    ) -> None:
        self._folder = folder
        self._changes = changes
        self._through = ["-m", "bench.trusting"] if trusting else ["-m"]
        self._nats_port, self.api_port = free_port(), free_port()
        self._processes: dict[int, tuple[asyncio.subprocess.Process, Path]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._certificates = tls
        ca_file = tls.ca if tls else ""
        self.login = Login(HOST, self._nats_port, folder / "bench" / "bench.seed", ca_file)
        self.api = Api(HOST, self.api_port, ca_file)
        self._bench_key = nkeys.load_or_create(folder / "bench", "bench")
        self.file = self._write("osapi.yaml", {})
        self.paths: Paths = paths(load(self.file, {}))
        self.agents: list[RunningAgent] = []
        self.broker_pid = 0
        self.controller_pid = 0
        self._supervisor_pid = 0
        self._join_token = ""
        self.servers = [self.login.url]
        """Where agents find the broker, as their join token says."""
        self.token = self._first_start()

    @property
    def agent_login(self) -> Login:
        """As whom played agents connect: one identity that may be every agent."""
        return self.login

    @property
    def public_key(self) -> Path:
        """The key by which agents know the controller."""
        return self.paths.controller_public_key

    def controller_key(self) -> PrivateKey:
        """What the controller signs with."""
        return load_or_create_keypair(self.paths.pki, "controller")

    def _first_start(self) -> str:
        """What the first start of an installation makes. Returns the token that may do everything."""
        settings = load(self.file, {})
        found = first_start.controller(settings, self.paths, {"HOME": str(self._folder)})
        return found.token

    async def join_token(self) -> str:
        """A token with which any number of agents join at once, made by the running controller."""
        if not self._join_token:
            async with AsyncClient(self.api.url, self.token, ca_file=self.api.ca_file or None) as client:
                made = await client.agents.join_token(uses=100_000, expires_s=86_400, servers=self.servers)
            self._join_token = made.token
        return self._join_token

    # -- programs ------------------------------------------------------------------------------

    async def start_broker(self) -> None:
        self._supervisor_pid = await self._start("osapi.broker", self.file)
        await self._until(lambda: _listens(self._nats_port), "the broker does not listen")
        self.broker_pid = proc.children(self._supervisor_pid)[0]

    async def stop_broker(self) -> None:
        await self.stop(self._supervisor_pid)

    async def broker_returned(self) -> None:
        """Wait until the supervisor has started the broker again."""

        async def again() -> bool:
            found = proc.children(self._supervisor_pid)
            return bool(found) and found[0] != self.broker_pid and await _listens(self._nats_port)

        await self._until(again, "the broker does not come back")
        self.broker_pid = proc.children(self._supervisor_pid)[0]

    async def gone(self, pid: int) -> None:
        """Wait until a program that was killed has ended."""
        process, _ = self._processes.pop(pid)
        await process.wait()

    async def start_controller(self) -> float:
        """Start it and wait until it is ready; returns the seconds that took."""
        begin = time.perf_counter()
        self.controller_pid = await self._start("osapi.controller", self.file)
        await self._until(self._is_ready, "the controller does not become ready")
        return time.perf_counter() - begin

    async def start_agents(self, count: int) -> None:
        """Start agents side by side and wait until the controller knows them."""
        for number in range(len(self.agents), len(self.agents) + count):
            await self.start_agent(f"web-{number:02}", labels={"group": "web.dev"})
        if count:
            await self.until_registered(len(self.agents))

    async def start_agent(self, hostname: str, **settings: Any) -> RunningAgent:
        """Start one agent, with settings of its own below `agent`, and do not wait for it."""
        number = len(self.agents)
        machine = MachineId(f"{0xA0000000 + number:032x}")
        own = {
            "machine_id": machine, "hostname": hostname, "state_dir": str(self._folder / f"agent-{number}"),
            "join": await self.join_token(), "pki": {"key_dir": str(self._folder / f"agent-{number}" / "pki")},
        }  # fmt: skip
        file = self._write(f"agent-{number}.yaml", {"agent": {**own, **settings}})
        agent = RunningAgent(machine, hostname, await self._start("osapi.agent", file))
        self.agents.append(agent)
        return agent

    async def restart_agent(self, agent: RunningAgent) -> None:
        """Start an agent again that has ended, as it was."""
        number = int(agent.machine, 16) - 0xA0000000
        agent.pid = await self._start("osapi.agent", self._folder / f"agent-{number}.yaml")

    async def stop(self, pid: int) -> None:
        """End one program in good order."""
        process, _ = self._processes.pop(pid)
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await end(process, patience_s=15.0)

    async def stop_all(self) -> None:
        """End everything, agents first."""
        agents = [agent.pid for agent in self.agents]
        await asyncio.gather(*(self.stop(pid) for pid in agents if pid in self._processes))
        for pid in reversed(list(self._processes)):
            await self.stop(pid)

    async def _start(self, module: str, file: Path) -> int:
        path = self._folder / f"{module}-{file.stem}.log"
        with path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *self._through, module, "--osapi-file", str(file),
                cwd=ROOT, env=_environment(), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=tied_to_parent(signal.SIGTERM),
            )  # fmt: skip
        self._processes[process.pid] = (process, path)
        return process.pid

    # -- questions -----------------------------------------------------------------------------

    async def until_registered(self, count: int) -> None:
        """Wait until a broadcast would reach that many agents."""

        async def all_there() -> bool:
            async with connections(1, self.api, self.token) as [connection]:
                answer = await connection.get("/api/node/_all/hostname")
            return answer.status == 200 and len(json.loads(answer.body)["results"]) >= count

        await self._until(all_there, f"fewer than {count} agents have joined")

    async def stored(self, stream: str) -> int:
        """How many messages a stream has taken so far."""
        wire = await connect(self.login)
        wire.listen_for_answers()
        info = await wire.ask(f"$JS.API.STREAM.INFO.{stream}", {})
        await wire.close()
        return int(info["state"]["last_seq"])

    async def _is_ready(self) -> bool:
        if not await _listens(self.api_port):
            return False
        async with connections(1, self.api, self.token) as [connection]:
            return (await connection.get("/api/health/ready")).status == 200

    async def _until(self, condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until the condition holds. Raises `RuntimeError` when it does not in time, or a program ends."""
        deadline = time.monotonic() + _READY_S
        while not await condition():
            if time.monotonic() > deadline:
                raise RuntimeError(otherwise)
            for process, log in self._processes.values():
                if process.returncode is not None:
                    words = log.read_text().strip().rpartition("\n")[2]
                    raise RuntimeError(f"{log.stem} ended with status {process.returncode}: {words}")
            await asyncio.sleep(_POLL_S)

    def _tls(self) -> dict[str, Any]:
        """The settings for that; none without TLS."""
        if self._certificates is None:
            return {}
        shown, trusted = self._certificates.shown, self._certificates.trusted
        return {
            "controller": {"api": shown, "nats": trusted, "metrics": shown},
            "agent": {"nats": trusted, "metrics": shown},
            "nats": {"server": {**shown, "metrics": shown}},
        }

    def _write(self, name: str, more: dict[str, Any]) -> Path:
        """A settings file; JSON is YAML."""
        settings: dict[str, Any] = {
            "data_dir": str(self._folder / "data"),
            "nats": {"server": {"port": self._nats_port, "auth": {"nkeys": [self._bench_key]}}},
            "controller": {
                "api": {"port": self.api_port, "limits": {"token_per_second": 0}},
                "nats": {"host": HOST, "port": self._nats_port},
            },
            "agent": {"nats": {"host": HOST, "port": self._nats_port}},
        }
        path = self._folder / name
        path.write_text(json.dumps(_merged(_merged(_merged(settings, self._tls()), self._changes), more)))
        return path

    def reconfigure(self, changes: dict[str, Any]) -> None:
        """Other settings for the programs that are started from now on."""
        self._changes = changes
        self._write("osapi.yaml", {})


@asynccontextmanager
async def running(
    folder: Path,
    *,
    agents: int,
    controller: bool = True,
    changes: dict[str, Any] | None = None,
    tls: bool | None = None,
    trusting: bool = False,
) -> AsyncIterator[Stack]:
    """Broker, controller and so many agents, ready. `changes` are settings that differ from the default.

    `tls` lets everything be served over TLS; None leaves that to $OSAPI_TESTS_TLS, so that whole suites can be run so.
    With `trusting` nothing is signed or verified, sealed or opened (`bench.trusting`).
    """
    made = Certificates.make(folder / "tls") if (certificates.wanted() if tls is None else tls) else None
    stack = Stack(folder, changes=changes or {}, tls=made, trusting=trusting)
    async with AsyncExitStack() as cleanup:
        cleanup.push_async_callback(stack.stop_all)
        await stack.start_broker()
        if controller:
            await stack.start_controller()
        await stack.start_agents(agents)
        yield stack


def free_port() -> int:
    """A TCP port that nobody uses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def _environment() -> dict[str, str]:
    """Ours, without settings that somebody has exported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OSAPI_")}
    return kept | {"PYTHONPATH": str(ROOT / "src")}


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for name, value in other.items():
        below = found.get(name)
        found[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return found
