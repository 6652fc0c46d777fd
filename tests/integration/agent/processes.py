"""Agents as processes, and a controller to speak to them: the real job service without its REST API."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from osapi.agent.failpoints import VARIABLE
from osapi.contract import masking
from osapi.contract import target as targets
from osapi.contract.errors import Unavailable
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Nothing, Operation
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.domains.node import operations as node
from osapi.fleet.registry import Registry
from osapi.jobs.dispatcher import Collected, Submission, Ticket
from osapi.jobs.quarantine import Quarantine
from osapi.jobs.record import Actor, Job, Response
from osapi.jobs.service import JobService
from osapi.transport.broker import Broker

READY_S = 20.0
HOSTNAME = node.HOSTNAME_GET
SHELL = command.SHELL


@dataclass
class AgentProcess:
    """`python -m osapi.agent` with its own machine id and state folder; `start` again is a restart."""

    machine: MachineId
    folder: Path
    nats: dict[str, Any]
    """Where the broker is: the section `agent.nats`."""
    controller_key: Path
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    environ: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def peak_kb(self) -> int:
        """The most memory that it has had resident, in kB; VmHWM of proc_pid_status(5)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))

    def start(self, fail_point: str = "", **settings: Any) -> None:
        assert self.process is None
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "osapi.yaml"
        file.write_text(yaml.safe_dump(self._settings(settings)))
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), VARIABLE: fail_point, **self.environ}
        with (self.folder / "log").open("ab") as log:
            # setpriv(1): the agent dies with the tests, however they die.
            argv = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "osapi.agent", "-f", str(file)]
            self.process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log)

    def _settings(self, more: dict[str, Any]) -> dict[str, Any]:
        agent = {
            "machine_id": str(self.machine),
            "hostname": f"name-{self.machine}",
            "state_dir": str(self.state),
            "heartbeat_interval": "1s",
            "nats": self.nats,
            "pki": {"key_dir": str(self.controller_key)},
            **self.settings,
            **more,
        }
        return {"data_dir": str(self.folder / "data"), "agent": agent, "telemetry": {"log": {"format": "json"}}}

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 20.0) -> int:
        """Wait for its end; returns the exit status (negative: the signal)."""
        assert self.process is not None
        status = self.process.wait(timeout=timeout_s)
        self.process = None
        return status

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Whatever its state, let nothing of it be left."""
        if self.process is not None:
            self.process.kill()
            self.wait()


@dataclass
class Fleet:
    """Agents, the controller's view of them, and the way to give them work."""

    broker: Broker
    service: JobService
    registry: Registry
    quarantine: Quarantine
    agents: list[AgentProcess]
    effects: Path

    async def ready(self, count: int) -> None:
        """Wait until so many agents are ready."""
        await until(lambda: sum(agent.ready for agent in self.registry.list()) == count, READY_S)

    async def submit(self, operation: Operation[Any, Any], request: msgspec.Struct, target: str, **more: Any) -> Ticket:
        with_secrets = bool(masking.found_in(request))
        resolution = self.registry.resolve(targets.parse(target), with_secrets=with_secrets)
        submission = Submission(
            operation=operation,
            request=request,
            target=targets.parse(target),
            machine=resolution.machine,
            hosts=resolution.hosts,
            actor=Actor(subject="tester"),
            **more,
        )
        return await self.service.dispatcher.submit(submission)

    async def run(
        self, operation: Operation[Any, Any], request: msgspec.Struct, target: str, wait_s: float = 10.0, **more: Any
    ) -> Collected:
        ticket = await self.submit(operation, request, target, **more)
        return await self.service.dispatcher.wait(ticket, wait_s)

    async def hostname(self, target: str) -> list[str]:
        """Ask hosts for their name, which is the shortest way to see that they answer."""
        collected = await self.run(HOSTNAME, Nothing(), target)
        return sorted(response.hostname for response in collected.responses)

    async def change(self, target: str, *, before: str = "", after: str = "") -> Ticket:
        """Submit a change that counts: it appends its job id to a file, which makes runs visible."""
        return await self.submit(SHELL, self.counting(before, after), target)

    def counting(self, before: str = "", after: str = "") -> ShellRequest:
        line = f'echo "$OSAPI_JOB_ID" >> {self.effects}'
        return ShellRequest(command="; ".join(part for part in (before, line, after) if part))

    def runs(self, job: JobId) -> int:
        """How often the change of that job happened (SE of the fault matrix)."""
        return self.all_runs().count(str(job))

    def all_runs(self) -> list[str]:
        return self.effects.read_text().split() if self.effects.exists() else []

    async def answer(self, job: JobId, machine: str, wait_s: float = READY_S) -> Response:
        """Wait for the stored answer of one host."""
        found: list[Response] = []

        async def look() -> bool:
            try:
                facts = await self.service.store.read(job)
            except Unavailable:
                return False
            found[:] = [] if facts is None else [each for _, each in facts.responses if each.machine_id == machine]
            return bool(found)

        async with asyncio.timeout(wait_s):
            while not await look():
                await asyncio.sleep(0.02)
        return found[0]

    async def record(self, job: JobId) -> Job:
        facts = await self.service.store.read(job)
        assert facts is not None
        return facts.job


async def until(condition: Callable[[], bool], wait_s: float = 10.0) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    end = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def new_job_id() -> JobId:
    return JobId(str(uuid.uuid4()))
