"""A host in memory: offers `host.door.Host`, and lets a test look at what became of it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from osapi.contract.errors import NotFound, OsapiError
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.host import acting, identity, kernel, processes, undoing
from osapi.host.door import Task
from osapi.host.facts import as_mapping, os_release
from osapi.host.family import PATHS, Family, recognise
from osapi.host.fetchable import NOTHING, Fetchable
from osapi.host.figures import DiskSpace, Figures
from osapi.host.files import READ_LIMIT, FileKind, FileStat, parts_of
from osapi.host.identity import Names
from osapi.host.managed import ManagedFile, ManagedFiles
from osapi.host.plan import Applied, Plan
from osapi.host.plan import sha256 as digest_of
from osapi.host.processes import HostProcess
from osapi.host.program import DEADLINE_S, OUTPUT_LIMIT, Completed, OnOutput, check_argv
from osapi.host.service import Answered, Ask
from osapi.host.stream import check_digest
from osapi.templates import engine
from osapi.templates.rendering import Context, Rendered
from osapi.testing.files import FakeFile, FakeFiles
from osapi.testing.objects import FakeBackups, FakeObject, FakeObjects
from osapi.testing.processes import kill_marked, receive, user_names
from osapi.testing.programs import Call, FakePrograms, Script
from osapi.testing.services import Exchange, FakeServices

_PIECE = 1 << 16
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
DEBIAN = "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\nPRETTY_NAME='Debian GNU/Linux 12 (bookworm)'\n"


@dataclass(kw_only=True)
class Setup:
    """What a fake host is like before the test. The default is a Debian called `web-01`."""

    files: Mapping[str, FakeFile] = field(default_factory=dict[str, FakeFile])
    scripts: Sequence[Script] = ()
    programs: Sequence[str] = ()
    """Programs that are installed without being scripted."""
    exchanges: Sequence[Exchange] = ()
    """What services answer; their sockets are there by themselves."""
    accounts: Sequence[str] = ("root",)
    disks: Mapping[str, DiskSpace | OsapiError] = field(default_factory=dict[str, DiskSpace | OsapiError])
    """What measuring a mount point gives."""
    objects: Mapping[str, FakeObject] = field(default_factory=dict[str, FakeObject])
    """What was uploaded, by name."""
    backups: Mapping[str, FakeFile] = field(default_factory=dict[str, FakeFile])
    """What was kept of files that were there before OSAPI, by path."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    machine_id: str = "0123456789abcdef0123456789abcdef"
    architecture: str = "x86_64"
    fqdn: str = ""
    fetchable: Fetchable = NOTHING
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Facts as they are on the wire, beside name, machine id, machine type and distribution."""
    now: datetime = MIDNIGHT
    reaches: Sequence[bool] = (True,)
    """Whether the controller is reached, the first time and each time after; then as the last time."""


_DEFAULT_FILES = {
    "/etc/os-release": FakeFile(content=DEBIAN.encode()),
    "/proc/sys/kernel/hostname": FakeFile(content=b"web-01\n"),
    "/etc/hostname": FakeFile(content=b"web-01\n"),
}


class _State:
    """What all views of one fake host share."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.programs = FakePrograms(setup.scripts, setup.programs)
        self.services = FakeServices(setup.exchanges)
        sockets = dict.fromkeys(self.services.sockets, FakeFile(kind=FileKind.OTHER))
        self.files = FakeFiles({**_DEFAULT_FILES, **sockets, **setup.files}, setup.now, setup.accounts)
        self.objects = FakeObjects(setup.objects)
        self.backups = FakeBackups(self.files)
        self.backups.kept.update(setup.backups)
        self.managed = ManagedFiles(None)
        self.reaches = list(setup.reaches)


class FakeHost:
    """One host in memory, as one job sees it."""

    def __init__(self, setup: Setup | None = None, *, task: Task | None = None, state: _State | None = None) -> None:
        """Make a new host from `setup`; `state` is for `for_task`."""
        self._state = state or _State(setup or Setup())
        self._task = task or Task()

    @property
    def calls(self) -> Sequence[Call]:
        """Programs that were started so far."""
        return self._state.programs.calls

    @property
    def asked(self) -> Sequence[Ask]:
        """What services were asked so far."""
        return self._state.services.asked

    def snapshot(self) -> dict[str, FakeFile]:
        """Every file as it is now."""
        return self._state.files.snapshot()

    async def notes(self) -> dict[str, ManagedFile]:
        """Every note about a managed file."""
        return {record.path: record for record in await self._state.managed.below("/")}

    def put(self, path: str, file: FakeFile | None) -> None:
        """Change a file behind the back of OSAPI; None removes it."""
        self._state.files.put(path, file)

    def close(self) -> None:
        """Let go of the notes."""
        self._state.managed.close()

    @property
    def task(self) -> Task:
        return self._task

    @property
    def check_mode(self) -> bool:
        return self._task.check_mode

    @property
    def family(self) -> Family:
        return recognise([self._state.files.read(path, READ_LIMIT) for path in PATHS])

    @property
    def architecture(self) -> str:
        return self._state.setup.architecture

    @property
    def figures(self) -> Figures:
        return Figures(self)

    @property
    def managed(self) -> ManagedFiles:
        return self._state.managed

    @property
    def state_dir(self) -> str:
        return "/var/lib/osapi/agent"

    @property
    def trial_dir(self) -> str:
        return f"{self.state_dir}/trial"

    @property
    def backups(self) -> FakeBackups:
        return self._state.backups

    @property
    def objects(self) -> FakeObjects:
        return self._state.objects

    @property
    def fetchable(self) -> Fetchable:
        return self._state.setup.fetchable

    @property
    def private_places(self) -> tuple[str, ...]:
        return ("/var/lib/osapi",)

    def now(self) -> datetime:
        return self._state.setup.now

    def for_task(self, task: Task) -> FakeHost:
        return FakeHost(task=task, state=self._state)

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
        self._check_call(argv, cwd, user)
        call = Call(
            argv=tuple(argv),
            stdin=stdin,
            env=dict(env or {}),
            cwd=cwd,
            user=user,
            privileged=privileged,
            deadline_s=deadline_s,
        )
        script, completed = await self._state.programs.run(call, output_limit, on_output, self._content)
        self._leave(script.sets)
        return completed

    async def ask(self, ask: Ask) -> Answered:
        if not ask.reads:
            self._refuse_in_check_mode()
        found = self._state.files.snapshot().get(ask.socket)
        exchange, answered = await self._state.services.ask(ask, found, self._content)
        self._leave(exchange.sets)
        return answered

    async def kill_marked(self, mark: str) -> bool:
        self._refuse_in_check_mode()
        return kill_marked(self._state.files, mark)

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if self._state.programs.has(program) else None

    async def read(self, path: str, limit: int = READ_LIMIT, *, follow: bool = False) -> bytes | None:
        return self._state.files.read(path, limit, follow=follow)

    async def pieces(self, path: str) -> AsyncGenerator[bytes]:
        content = self._state.files.read(path, sys.maxsize)
        if content is None:
            raise NotFound(f"there is no file {path}")
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE]

    async def stat(self, path: str) -> FileStat | None:
        return self._state.files.stat(path)

    async def list_dir(self, path: str) -> list[str]:
        return self._state.files.list_dir(path)

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
        await self.owner_ids(owner, group)
        file = FakeFile(content=content, mode=mode, owner=owner or "root", group=group or "root")
        self._state.files.write(path, file, make_parents=make_parents)

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
        whole = b"".join([piece async for piece in content])
        check_digest(path, digest_of(whole), sha256)
        await self.write(path, whole, mode=mode, owner=owner, group=group, make_parents=make_parents)

    async def digest(self, path: str) -> str | None:
        return self._state.files.digest(path)

    async def owner_ids(self, owner: str | None, group: str | None) -> tuple[int, int]:
        number = self._state.files.number
        return number("root" if owner is None else owner), number("root" if group is None else group)

    async def render(self, template: bytes, context: Context) -> Rendered:
        return engine.render(template, context)

    async def remove(self, path: str) -> bool:
        self._refuse_in_check_mode()
        return self._state.files.remove(path)

    async def read_link(self, path: str) -> str | None:
        return self._state.files.read_link(path)

    async def link(self, path: str, target: str) -> None:
        self._refuse_in_check_mode()
        self._state.files.link(path, target)

    async def write_undo(self, copies: Mapping[str, str | None], repair: Sequence[Sequence[str]]) -> None:
        text = undoing.script(self.trial_dir, copies, repair)
        await self.write(f"{self.trial_dir}/{undoing.SCRIPT}", text.encode(), mode=0o600, make_parents=True)

    async def processes(self) -> list[HostProcess]:
        return processes.read_all(self._state.files, user_names(self._state.files))

    async def process(self, pid: int) -> HostProcess | None:
        return processes.read_one(self._state.files, pid, user_names(self._state.files))

    async def send_signal(self, pid: int, start_ticks: int, number: int) -> None:
        self._refuse_in_check_mode()
        receive(self._state.files, pid, start_ticks, number)

    async def set_kernel_value(self, path: str, value: str) -> None:
        self._refuse_in_check_mode()
        files = self._state.files
        kernel.set_value(path, value, read=lambda name: files.read(name, READ_LIMIT), overwrite=files.overwrite)

    async def disk_space(self, path: str, timeout_s: float = 3.0) -> DiskSpace:  # noqa: ARG002 - time does not pass
        parts_of(path)
        found = self._state.setup.disks.get(path)
        if isinstance(found, OsapiError):
            raise found
        if found is None:
            raise NotFound(f"cannot measure {path}: nothing is mounted there")
        return found

    async def names(self) -> Names:
        setup, name = self._state.setup, await identity.hostname(self.read)
        return Names(
            machine_id=MachineId(setup.machine_id),
            hostname=name,
            kernel_hostname=name,
            labels=setup.labels,
        )

    async def fqdn(self, timeout_s: float = 2.0) -> str:  # noqa: ARG002 - time does not pass
        return self._state.setup.fqdn

    async def facts(self) -> Mapping[str, Any]:
        setup, names = self._state.setup, await self.names()
        told = HostFacts(
            machine_id=names.machine_id,
            hostname=names.hostname,
            fqdn=setup.fqdn,
            architecture=setup.architecture,
            os_release=os_release(self.family),
        )
        return {**as_mapping(told), **setup.facts}

    async def reaches_controller(self, settle_s: float, deadline_s: float) -> bool:  # noqa: ARG002 - time does not pass
        reaches = self._state.reaches
        return reaches.pop(0) if len(reaches) > 1 else reaches[0]

    async def apply(self, plan: Plan) -> Applied:
        return await acting.apply(self, plan)

    def _leave(self, contents: Mapping[str, bytes | None]) -> None:
        """Put in place what a program or service leaves behind."""
        for path, content in contents.items():
            old = self._state.files.snapshot().get(path, FakeFile())
            self._state.files.put(path, None if content is None else replace(old, content=content))

    def _content(self, path: str) -> bytes | None:
        file = self._state.files.snapshot().get(path)
        return None if file is None else file.content

    def _check_call(self, argv: Sequence[str], cwd: str, user: str | None) -> None:
        check_argv(argv)
        if cwd != "/" and self._state.files.stat(cwd) is None:
            raise NotFound(f"cannot run {argv[0]}: there is no directory {cwd}")
        if user is not None and user not in self._state.setup.accounts:
            raise NotFound(f"there is no account {user!r} on this host")

    def _refuse_in_check_mode(self) -> None:
        if self.check_mode:
            raise RuntimeError("nothing may be changed in check mode; providers change things through `apply`")
