"""The host this process runs on."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osapi.contract.errors import MissingTool
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.host import (
    accounts,
    acting,
    custom_facts,
    escalation,
    http,
    identity,
    kernel,
    process,
    processes,
    rendering,
    strays,
    stream,
    undoing,
)
from osapi.host.backups import Backups, LocalBackups
from osapi.host.door import Host, Reach, Task
from osapi.host.ending import in_own_thread, in_thread
from osapi.host.escalated import EscalatedBackups, EscalatedFiles
from osapi.host.escalation import Escalation
from osapi.host.facts import Facts, as_mapping
from osapi.host.family import Family, detect
from osapi.host.fetchable import NOTHING, Fetchable
from osapi.host.figures import DiskSpace, Figures
from osapi.host.files import READ_LIMIT, FileStat, FileTree
from osapi.host.grants import ROOT_DIR, TRIAL_DIR
from osapi.host.identity import Claims, Names
from osapi.host.managed import ManagedFiles
from osapi.host.objects import NoObjects, Objects
from osapi.host.plan import Applied, Plan
from osapi.host.processes import HostProcess
from osapi.host.program import DEADLINE_S, OUTPUT_LIMIT, Completed, OnOutput, check_argv
from osapi.host.service import Answered, Ask
from osapi.host.space import SpaceProbe
from osapi.telemetry import tracing
from osapi.templates.rendering import Context, Rendered

_NEVER_BLOCKS = ("/proc/sys/", "/proc/loadavg", "/proc/uptime")
"""Files made up from the kernel's memory; a thread would take longer than the reading."""


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What all views of one host share."""

    files: FileTree
    managed: ManagedFiles
    family: Family
    machine: MachineId
    claims: Claims
    backups: Backups
    objects: Objects
    private_places: tuple[str, ...]
    fetchable: Fetchable
    probe: SpaceProbe
    facts: Facts
    escalation: Escalation | None
    now: Callable[[], datetime]
    state_dir: str
    reach: Reach


class LocalHost:
    """Offers `door.Host` on the running system. Made by `open_host`; `for_task` gives each job its view."""

    def __init__(self, parts: _Parts, task: Task) -> None:
        self._parts = parts
        self._task = task

    def close(self) -> None:
        """Let go of the notes about files."""
        self._parts.managed.close()

    @property
    def task(self) -> Task:
        return self._task

    @property
    def check_mode(self) -> bool:
        return self._task.check_mode

    @property
    def family(self) -> Family:
        return self._parts.family

    @property
    def architecture(self) -> str:
        return os.uname().machine

    @property
    def figures(self) -> Figures:
        return Figures(self)

    @property
    def managed(self) -> ManagedFiles:
        return self._parts.managed

    @property
    def state_dir(self) -> str:
        return self._parts.state_dir

    @property
    def trial_dir(self) -> str:
        return f"{self.state_dir}/trial" if self._parts.escalation is None else TRIAL_DIR

    @property
    def backups(self) -> Backups:
        return self._parts.backups

    @property
    def objects(self) -> Objects:
        return self._parts.objects

    @property
    def private_places(self) -> tuple[str, ...]:
        return self._parts.private_places

    def with_objects(self, objects: Objects) -> LocalHost:
        """The same host, to which these objects can be deployed."""
        return LocalHost(replace(self._parts, objects=objects), self._task)

    @property
    def fetchable(self) -> Fetchable:
        return self._parts.fetchable

    def now(self) -> datetime:
        return self._parts.now()

    def for_task(self, task: Task) -> Host:
        return LocalHost(self._parts, task)

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        deadline_s: float = DEADLINE_S,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str | None = None,
        privileged: bool = False,
        output_limit: int = OUTPUT_LIMIT,
        on_output: OnOutput | None = None,
    ) -> Completed:
        way = self._parts.escalation if privileged or user is not None else None
        account = None if user is None else await asyncio.to_thread(accounts.account, user)
        program = process.Program(
            argv=tuple(argv) if way is None else self._by_sudo(way, argv, user, env or {}),
            stdin=stdin,
            deadline_s=deadline_s,
            env={**({"OSAPI_JOB_ID": self._task.job_id} if self._task.job_id else {}), **(env or {})},
            cwd=cwd,
            account=account if way is None else None,
            output_limit=output_limit,
            on_output=on_output,
        )
        with tracing.span(f"run {_last(argv[0])}" if argv else "run") as span:
            completed = replace(await process.run(program), argv=tuple(argv))
            _tell(span, completed)
        if way is not None:
            escalation.check(completed)
        return completed

    def _by_sudo(
        self, way: Escalation, argv: Sequence[str], user: str | None, env: Mapping[str, str]
    ) -> tuple[str, ...]:
        check_argv(argv)
        if "/" not in argv[0] and self.which(argv[0]) is None:
            raise MissingTool(f"{argv[0]} is not installed on this host")
        return way.argv(argv, user=user, env=env)

    async def ask(self, ask: Ask) -> Answered:
        if not ask.reads:
            self._refuse_in_check_mode()
        with tracing.span(f"ask {_last(ask.socket)}", tracing.CLIENT):
            return await http.ask(self._parts.files, ask)

    async def kill_marked(self, mark: str) -> bool:
        self._refuse_in_check_mode()
        return await in_thread(lambda: strays.kill_marked(mark.encode(), time.monotonic() + process.KILL_S))

    def which(self, program: str) -> str | None:
        return shutil.which(program, path=process.PATH)

    async def read(self, path: str, limit: int = READ_LIMIT, *, follow: bool = False) -> bytes | None:
        if path.startswith(_NEVER_BLOCKS):
            return self._parts.files.read(path, limit, follow=follow)
        return await asyncio.to_thread(self._parts.files.read, path, limit, follow=follow)

    def pieces(self, path: str) -> AsyncGenerator[bytes]:
        return stream.read(self._parts.files, path)

    async def stat(self, path: str) -> FileStat | None:
        return await asyncio.to_thread(self._parts.files.stat, path)

    async def list_dir(self, path: str) -> list[str]:
        return await asyncio.to_thread(self._parts.files.list_dir, path)

    async def write(
        self,
        path: str,
        content: bytes,
        *,
        mode: int = 0o644,
        owner: str | None = None,
        group: str | None = None,
        make_parents: bool = False,
    ) -> None:
        self._refuse_in_check_mode()

        def work() -> None:
            uid, gid = accounts.owner_ids(owner, group, self._own_ids)
            self._parts.files.write(path, content, mode=mode, uid=uid, gid=gid, make_parents=make_parents)

        await in_thread(work)

    async def write_from(
        self,
        path: str,
        content: AsyncIterable[bytes],
        *,
        sha256: str,
        mode: int = 0o644,
        owner: str | None = None,
        group: str | None = None,
        make_parents: bool = False,
    ) -> None:
        self._refuse_in_check_mode()
        files = self._parts.files
        uid, gid = await self.owner_ids(owner, group)
        await stream.write(files, path, content, sha256=sha256, mode=mode, uid=uid, gid=gid, make_parents=make_parents)

    async def digest(self, path: str) -> str | None:
        return await asyncio.to_thread(self._parts.files.digest, path)

    async def owner_ids(self, owner: str | None, group: str | None) -> tuple[int, int]:
        return await asyncio.to_thread(accounts.owner_ids, owner, group, self._own_ids)

    @property
    def _own_ids(self) -> tuple[int, int] | None:
        """Whose a file is unless somebody is named: root's where root writes it."""
        return None if self._parts.escalation is None else (0, 0)

    async def render(self, template: bytes, context: Context) -> Rendered:
        return await rendering.render(self.run, template, context)

    async def remove(self, path: str) -> bool:
        self._refuse_in_check_mode()
        return await in_thread(lambda: self._parts.files.remove(path))

    async def read_link(self, path: str) -> str | None:
        return await asyncio.to_thread(self._parts.files.read_link, path)

    async def link(self, path: str, target: str) -> None:
        self._refuse_in_check_mode()
        await in_thread(lambda: self._parts.files.link(path, target))

    async def write_undo(self, copies: Mapping[str, str | None], repair: Sequence[Sequence[str]]) -> None:
        self._refuse_in_check_mode()
        files = self._parts.files
        if isinstance(files, EscalatedFiles):
            await in_thread(lambda: files.write_undo(copies, repair))
            return
        text = undoing.script(self.trial_dir, copies, repair)
        await self.write(f"{self.trial_dir}/{undoing.SCRIPT}", text.encode(), mode=0o600, make_parents=True)

    async def processes(self) -> list[HostProcess]:
        files = self._parts.files
        return await in_own_thread(
            lambda: processes.read_all(files, accounts.user_names()), "processes", processes.READ_S
        )

    async def process(self, pid: int) -> HostProcess | None:
        files = self._parts.files
        return await in_own_thread(
            lambda: processes.read_one(files, pid, accounts.user_names()), f"process {pid}", processes.READ_S
        )

    async def send_signal(self, pid: int, start_ticks: int, number: int) -> None:
        self._refuse_in_check_mode()
        await in_thread(lambda: processes.send(self._parts.files, pid, start_ticks, number))

    async def set_kernel_value(self, path: str, value: str) -> None:
        self._refuse_in_check_mode()
        files = self._parts.files
        await in_thread(lambda: kernel.set_value(path, value, read=files.read, overwrite=files.overwrite))

    async def disk_space(self, path: str, timeout_s: float = 3.0) -> DiskSpace:
        return await self._parts.probe.measure(self._parts.files.real_path(path), timeout_s)

    async def names(self) -> Names:
        claims, name = self._parts.claims, await identity.hostname(self.read)
        return Names(
            machine_id=self._parts.machine,
            hostname=claims.hostname or name,
            kernel_hostname=name,
            labels=claims.labels,
        )

    async def fqdn(self, timeout_s: float = 2.0) -> str:
        return await identity.fqdn(await identity.hostname(self.read), timeout_s)

    async def facts(self) -> Mapping[str, Any]:
        return as_mapping(await self._parts.facts.get(LocalHost(self._parts, Task())))

    async def refresh_facts(self) -> HostFacts:
        """Collect all facts anew, the programs of custom facts included."""
        return await self._parts.facts.refresh(LocalHost(self._parts, Task()))

    @property
    def stale_facts(self) -> asyncio.Event:
        """Set while the host has changed since its facts were collected."""
        return self._parts.facts.stale

    async def reaches_controller(self, settle_s: float, deadline_s: float) -> bool:
        return await self._parts.reach(settle_s, deadline_s)

    async def apply(self, plan: Plan) -> Applied:
        try:
            return await acting.apply(self, plan)
        finally:
            if plan.changes and not self.check_mode:
                self._parts.facts.expire()

    def _refuse_in_check_mode(self) -> None:
        if self.check_mode:
            raise RuntimeError("nothing may be changed in check mode; providers change things through `apply`")


def _last(path: str) -> str:
    """The name at the end of a path: all that a trace says of a program or a socket."""
    return path.rpartition("/")[2]


def _tell(span: tracing.Span, completed: Completed) -> None:
    """Let the trace say how a program ended; what it was told and what it said may be secret."""
    if completed.exit_code is not None:
        span.set("process.exit.code", completed.exit_code)
    if completed.signal is not None:
        span.fail(f"signal {completed.signal}")


async def _unreachable(_settle_s: float, _deadline_s: float) -> bool:
    return False


async def open_host(
    state_dir: Path,
    *,
    claims: Claims,
    reach: Reach = _unreachable,
    root: str = "/",
    escalate: Escalation | None = None,
    private_places: Sequence[str] = (),
    fetchable: Fetchable = NOTHING,
    facts_folder: str = custom_facts.FOLDER,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LocalHost:
    """Look at the system once and make its door.

    `state_dir` exists and holds the notes about files and what was there before them; `claims` is what the
    settings say about the host; `reach` answers `reaches_controller`, without it nothing is reached; `escalate`
    is the way to root of an agent that is not root; `private_places` are further directories of OSAPI's own; `fetchable` says which
    files may be fetched; `facts_folder` holds custom facts. `root` is for tests: files are looked for below it,
    programs are not.
    Raises `Permanent` or `Invalid` when the host has no usable machine id.
    """
    own = str(await asyncio.to_thread(state_dir.resolve))
    files = FileTree(root) if escalate is None else EscalatedFiles(escalate, own)
    state = FileTree(str(state_dir))

    async def read(path: str) -> bytes | None:
        return await asyncio.to_thread(files.read, path, follow=True)

    parts = _Parts(
        files=files,
        managed=await asyncio.to_thread(ManagedFiles, state_dir / "managed.db"),
        family=await detect(read),
        machine=await identity.machine_id(read, claims.machine_id),
        claims=claims,
        backups=LocalBackups(files, state) if escalate is None else EscalatedBackups(files, escalate),
        objects=NoObjects(),
        private_places=(str(state_dir), ROOT_DIR, *private_places),
        fetchable=fetchable,
        probe=SpaceProbe(),
        facts=Facts(facts_folder),
        escalation=escalate,
        now=now,
        state_dir=own,
        reach=reach,
    )
    return LocalHost(parts, Task())
