"""What a provider can do to a host. `LocalHost` and `testing.FakeHost` both offer exactly this."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from osapi.contract.kept import Kept
from osapi.host.backups import Backups
from osapi.host.family import Family
from osapi.host.fetchable import Fetchable
from osapi.host.figures import DiskSpace, Figures
from osapi.host.files import READ_LIMIT, FileStat
from osapi.host.identity import Names
from osapi.host.managed import ManagedFiles
from osapi.host.objects import Objects
from osapi.host.plan import Applied, Plan
from osapi.host.processes import HostProcess
from osapi.host.program import DEADLINE_S, OUTPUT_LIMIT, Completed, OnOutput
from osapi.host.service import Answered, Ask
from osapi.templates.rendering import Context, Rendered

Reach = Callable[[float, float], Awaitable[bool]]
"""`Host.reaches_controller`, as the agent offers it to the host."""


class Live(Protocol):
    """Where a job puts what it gives out while it runs: parts of its result, for whoever is listening.

    Must be quick and never fails; nobody may be listening.
    """

    def text(self, name: str, piece: bytes) -> None:
        """More of the text in the field `name`. What comes too fast is left out, and that is told."""
        ...

    def items(self, name: str, items: Sequence[Any]) -> Coroutine[Any, Any, None] | None:
        """More items for the list in the field `name`. Nothing is left out; await what is returned before the next."""
        ...


class Spool(Protocol):
    """Takes bytes that are kept whole, in the order in which they come. Never fails before `finish`."""

    def add(self, piece: bytes) -> Coroutine[Any, Any, None] | None:
        """The next bytes. Await what is returned before the next, so that they are stored as fast as they come."""
        ...

    async def finish(self, within_s: float) -> Kept:
        """That was all; the rest is stored within that time. Tells what is kept, or why nothing is."""
        ...

    def abandon(self) -> None:
        """Nothing of it is to be kept."""
        ...


class Keep(Protocol):
    """Where a job puts output that is kept whole."""

    def spool(self, name: str, most: int | None = None) -> Spool:
        """Begin to keep something under that name, once. `most` bytes of it are kept; None: as the settings say."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """For which job a host is used. Goes into the environment of programs and into provenance records.

    `live` None: nobody listens. `keep` None: nothing can be kept whole, as there is no store for it.
    """

    job_id: str = ""
    operation: str = ""
    check_mode: bool = False
    live: Live | None = field(default=None, compare=False)
    keep: Keep | None = field(default=None, compare=False)


class Host(Protocol):
    """One host, as one job sees it.

    Paths are absolute, without `.`, `..`, empty parts or control characters, else `Invalid`. No part of a
    path may be a symbolic link, else `Permanent` with code `unsafe_path`; `read` alone can be told to follow.
    What the system refuses is `Permanent` with code `denied`, `read_only`, `no_space` or `io_error`.
    """

    @property
    def task(self) -> Task:
        """The job this view of the host was made for."""
        ...

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed. What changes something then raises `RuntimeError`; `apply` does nothing."""
        ...

    @property
    def family(self) -> Family:
        """Which distribution this is and what it descends from."""
        ...

    @property
    def architecture(self) -> str:
        """Machine type of the kernel as `uname -m` prints it, for example `x86_64`."""
        ...

    @property
    def figures(self) -> Figures:
        """Load, memory, disks and uptime."""
        ...

    @property
    def managed(self) -> ManagedFiles:
        """Which files OSAPI has written, and what it knew then. Change it through `apply` only."""
        ...

    @property
    def state_dir(self) -> str:
        """The agent's own folder on this host, which nobody else may read."""
        ...

    @property
    def trial_dir(self) -> str:
        """Where it is kept how a change on trial is undone; only root writes there when root is to undo it."""
        ...

    @property
    def backups(self) -> Backups:
        """Files that were there before OSAPI put its own in their place. Change them through `apply` only."""
        ...

    @property
    def objects(self) -> Objects:
        """What was uploaded to be deployed."""
        ...

    @property
    def private_places(self) -> tuple[str, ...]:
        """Directories of OSAPI's own keys and records, where nothing is deployed."""
        ...

    @property
    def fetchable(self) -> Fetchable:
        """Which files may be fetched from here."""
        ...

    def now(self) -> datetime:
        """The time on the host's clock, in UTC."""
        ...

    def for_task(self, task: Task) -> Host:
        """The same host as another job sees it. Cheap."""
        ...

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
        """Run a program to its end; an exit status other than 0 is a result like any other.

        No shell. The environment is clean (`LC_ALL=C.UTF-8`, a fixed `PATH`, `HOME`, `OSAPI_JOB_ID`) plus
        `env`. `stdin` None means /dev/null. `user` is an account to become; where the agent is not root,
        sudo does that, and what is `privileged`. Up to `output_limit` bytes of each stream are kept.

        Raises `MissingTool` when there is no such program, `NotFound` when `cwd` or `user` is not there,
        `Permanent` (code `denied`) when it may not be run, `TimedOut` when time runs out. Then, and when the
        caller is cancelled, its process group and what still carries its mark are killed within 2 seconds.
        """
        ...

    async def ask(self, ask: Ask) -> Answered:
        """Ask a service of this host over its Unix socket; an answer of any status is a result like any other.

        Raises `NotFound` when there is no such socket, `Unavailable` when nobody listens or the connection
        breaks, `Permanent` (code `denied`) when it may not be used, `DeadlineExceeded`. Then, and when the caller
        is cancelled, the connection is closed; whether the service stops what it does for us is up to it.
        """
        ...

    async def kill_marked(self, mark: str) -> bool:
        """Kill every process that has `mark` (NAME=value) in its environment, and what descends from it.

        For what a service has started for us, also in other namespaces below ours. Returns whether none is
        left after at most a second; those that we may not look at are not seen.
        """
        ...

    def which(self, program: str) -> str | None:
        """Where a program is on the fixed `PATH`; None when it is not installed."""
        ...

    async def read(self, path: str, limit: int = READ_LIMIT, *, follow: bool = False) -> bytes | None:
        """A regular file whole; None when it is not there. Raises `TooLarge` when it is longer than `limit`."""
        ...

    def pieces(self, path: str) -> AsyncGenerator[bytes]:
        """A regular file of any length, piece by piece. Raises `NotFound`; close it to stop early."""
        ...

    async def stat(self, path: str) -> FileStat | None:
        """What `path` stands for; None when it is not there."""
        ...

    async def list_dir(self, path: str) -> list[str]:
        """Sorted names in a directory; empty when there is no such directory."""
        ...

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
        """Put a whole file in place: a reader sees the old content or the new, never a part, also after a crash.

        Owner and group None mean root where sudo writes, else the agent's own. Missing directories are made with mode 0755 when
        `make_parents` is set. Raises `Invalid` (code `unknown_owner`) before anything is written.
        """
        ...

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
        """Like `write`, piece by piece, for a file of any length. What `content` raises leaves the old file in place.

        Raises `Permanent` (code `corrupt`) when the whole does not have the digest.
        """
        ...

    async def digest(self, path: str) -> str | None:
        """SHA-256 of a regular file of any length, in hexadecimal; None when it is not there."""
        ...

    async def owner_ids(self, owner: str | None, group: str | None) -> tuple[int, int]:
        """Numbers of a user and a group, each by name or number; None is the agent's own.

        Raises `Invalid` (code `unknown_owner`).
        """
        ...

    async def render(self, template: bytes, context: Context) -> Rendered:
        """What a template becomes, within bounds of time and memory. Raises `TemplateFault` (code `template_error`)."""
        ...

    async def remove(self, path: str) -> bool:
        """Remove a regular file; False when it was not there."""
        ...

    async def read_link(self, path: str) -> str | None:
        """Where a symbolic link leads, as it is written; None when there is nothing, or something else."""
        ...

    async def link(self, path: str, target: str) -> None:
        """Put a symbolic link in place, durably and at once; a file or link that is there is replaced."""
        ...

    async def write_undo(self, copies: Mapping[str, str | None], repair: Sequence[Sequence[str]]) -> None:
        """Put the script of `undoing` in place in `trial_dir`; the arguments are those of `undoing.script`."""
        ...

    async def processes(self) -> list[HostProcess]:
        """Every process, by number. Raises `DeadlineExceeded` when /proc does not answer."""
        ...

    async def process(self, pid: int) -> HostProcess | None:
        """One process; None when there is none of that number. Raises `DeadlineExceeded`."""
        ...

    async def send_signal(self, pid: int, start_ticks: int, number: int) -> None:
        """Send a signal to exactly the process that started then. Raises `NotFound` when it has ended."""
        ...

    async def set_kernel_value(self, path: str, value: str) -> None:
        """Set a value below /proc/sys or /sys and read it back.

        Raises `NotFound` when the kernel has no such value and `Permanent` when it refuses (`read_only`,
        `rejected`). When it takes another value than asked for, that is `rejected` too and the value from
        before is put back.
        """
        ...

    async def disk_space(self, path: str, timeout_s: float = 3.0) -> DiskSpace:
        """Size and use of the file system mounted at `path`, by statvfs(3).

        Raises `DeadlineExceeded` when it does not answer, at once while an earlier question still hangs.
        """
        ...

    async def names(self) -> Names:
        """Machine id, present host name and labels."""
        ...

    async def fqdn(self, timeout_s: float = 2.0) -> str:
        """The fully qualified name from the resolver; empty when there is none in time."""
        ...

    async def facts(self) -> Mapping[str, Any]:
        """What is known of the host, as `contract.facts.HostFacts` is on the wire; custom facts are in `facts`.

        At most a minute old, and not older than the last change by `apply`. What the host does not tell is not there.
        """
        ...

    async def reaches_controller(self, settle_s: float, deadline_s: float) -> bool:
        """Whether jobs can still come: whether a round trip over a new connection succeeds.

        It begins `settle_s` from now, and is tried again until another `deadline_s` are over.
        """
        ...

    async def apply(self, plan: Plan) -> Applied:
        """Carry out what was decided, in order, up to the first failure. In check mode, do nothing."""
        ...
