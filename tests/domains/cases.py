"""Cases as data: what a host is like, what is asked, what comes of it.

A case is a JSON file in `tests/domains/<domain>/cases/<operation>/<what it shows>.json`; the folder is named
after the operation's constant in small letters. `Case` and the structs below are its form.

Services behind sockets are told by `sockets`. What several cases of a domain share stands once in its folder
`parts`, in the form of `host`; a case names it in `parts`. What such a service knows is kept in files below `/state`,
by `when` and `sets`, so that an answer depends on what was done before.

`files` before: path to text, or to an object with `content` or `link`, `directory` or `other`, and `mode`, `owner`, `group`.
`files` after: only what differs from before; null for a file that is gone. Everything else must be as it was.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from osapi.contract import masking
from osapi.contract.errors import OsapiError, Permanent
from osapi.contract.files import ContentType
from osapi.contract.operation import Handler, Operation
from osapi.domains import discovery
from osapi.host.door import Task
from osapi.host.fetchable import Fetchable
from osapi.host.figures import DiskSpace
from osapi.host.files import FileKind
from osapi.host.managed import ManagedFile, Source
from osapi.host.plan import sha256
from osapi.testing import services
from osapi.testing.files import DIRECTORY, FakeFile
from osapi.testing.host import MIDNIGHT, FakeHost, Setup
from osapi.testing.keeping import Shelf
from osapi.testing.objects import FakeObject
from osapi.testing.programs import Script

FOLDER = Path(__file__).parent


class File(msgspec.Struct, forbid_unknown_fields=True):
    """A file before or after; `refuses` maps a value of the kernel to an errno(3) name, `bends` to another value."""

    content: str = ""
    link: str = ""
    directory: bool = False
    other: bool = False
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    refuses: dict[str, str] = {}
    bends: dict[str, str] = {}


class Command(msgspec.Struct, forbid_unknown_fields=True):
    """A program that may be run, and what it does then; `when` names files and what they must hold for it."""

    argv: tuple[str, ...]
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = 0
    signal: int | None = None
    hangs: bool = False
    sets: dict[str, str | None] = {}
    when: dict[str, str | None] = {}


class Exchange(msgspec.Struct, forbid_unknown_fields=True):
    """What a service answers to the request `asks` (method and target) with the JSON body `sends`."""

    asks: str
    sends: Any = msgspec.UNSET
    status: int = 200
    json: Any = msgspec.UNSET
    text: str = ""
    hangs: bool = False
    sets: dict[str, str | None] = {}
    when: dict[str, str | None] = {}


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """A note about a managed file. Before, `content` is what was deployed; afterwards it is not compared."""

    metadata: dict[str, str] = {}
    settled: bool = True
    object: str = ""
    content: str = ""
    mode: str = ""
    owner: str | None = None
    group: str | None = None


class Object(msgspec.Struct, forbid_unknown_fields=True):
    """An uploaded file."""

    content: str
    content_type: ContentType = ContentType.RAW


class Disk(msgspec.Struct, forbid_unknown_fields=True):
    """What measuring a mount point gives; `error` instead of figures fails."""

    total: int = 0
    free: int = 0
    available: int = 0
    inodes_total: int = 0
    inodes_free: int = 0
    read_only: bool = False
    error: str = ""


class Before(msgspec.Struct, forbid_unknown_fields=True):
    """The host at first; what is not said is as in `testing.host`."""

    files: dict[str, File | str | None] = {}
    commands: tuple[Command, ...] = ()
    programs: tuple[str, ...] = ()
    sockets: dict[str, tuple[Exchange, ...]] = {}
    parts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ("root",)
    managed: dict[str, Note] = {}
    objects: dict[str, Object] = {}
    backups: dict[str, File | str] = {}
    disks: dict[str, Disk] = {}
    labels: dict[str, str] = {}
    architecture: str = "x86_64"
    fetchable: tuple[str, ...] = ()
    now: datetime = MIDNIGHT
    reaches: tuple[bool, ...] = (True,)


class Failure(msgspec.Struct, forbid_unknown_fields=True):
    """How it is refused: the code, a part of the message, and the details if they matter."""

    code: str
    says: str = ""
    details: dict[str, Any] | None = None


class After(msgspec.Struct, forbid_unknown_fields=True):
    """What differs at the end. `commands` are the argument lists of all programs that were run, `stdin` what each was told.

    `asked` are the requests to services that were more than a question, `kept` is output that is kept whole.
    """

    files: dict[str, File | str | None] = {}
    commands: tuple[tuple[str, ...], ...] | None = None
    stdin: tuple[str | None, ...] | None = None
    asked: tuple[str, ...] | None = None
    managed: dict[str, Note | None] = {}
    kept: dict[str, str] = {}
    backups: dict[str, File | str | None] = {}


class Content(msgspec.Struct, forbid_unknown_fields=True):
    """One case. Either `result` or `failure`; code `refused` means that the request does not fit its model.

    `again` marks what a second identical call does once more.
    """

    about: str
    request: dict[str, Any] = {}
    host: Before = msgspec.field(default_factory=Before)
    result: Any = msgspec.UNSET
    failure: Failure | None = None
    after: After = msgspec.field(default_factory=After)
    again: bool = False


@dataclass(frozen=True)
class Case:
    """A case and the operation that it shows."""

    name: str
    handler: Handler[Any]
    content: Content

    @property
    def operation(self) -> Operation[Any, Any]:
        return self.handler.operation

    def request(self) -> Any:
        return msgspec.convert(self.content.request, self.operation.request, dec_hook=masking.read)

    def new_host(self) -> FakeHost:
        before = self.content.host
        return _host(before, [part(self.name.split("/")[0], name) for name in before.parts])

    async def prepare(self, host: FakeHost) -> None:
        """Put the notes in place."""
        for path, note in self.content.host.managed.items():
            await host.managed.put(_record(path, note, host))

    async def run(self, host: FakeHost, *, check_mode: bool = False, keep: Shelf | None = None) -> Any:
        """Do the operation; the result in the form of JSON. Raises what the provider raises."""
        domain = self.name.split("/")[0]
        factory = discovery.implementation(domain, host.family.chain)
        assert factory is not None, f"{domain} has nothing for {host.family.chain}"
        task = Task(job_id="job-1", operation=self.operation.name, check_mode=check_mode, keep=keep or Shelf())
        answer = getattr(factory(host.for_task(task)), self.handler.method.__name__)
        return await answer(self.request())


def load_all() -> list[Case]:
    """Every case of every domain."""
    return [_load(domain, path) for domain in discovery.names() for path in _paths(domain)]


def folders(domain: str) -> dict[str, Handler[Any]]:
    """Which folder of cases shows which operation."""
    handlers = {handler.operation.name: handler for handler in discovery.handlers(domain)}
    return {name.lower(): handlers[operation.name] for name, operation in discovery.constants(domain).items()}


def as_file(given: File | str, before: FakeFile | None = None) -> FakeFile:
    """A file as the case writes it; rules of the kernel stay as they were before."""
    if isinstance(given, str):
        given = File(content=given)
    if given.directory:
        return DIRECTORY
    if given.other:
        return FakeFile(kind=FileKind.OTHER)
    return FakeFile(
        content=(given.link or given.content).encode(),
        kind=FileKind.LINK if given.link else FileKind.FILE,
        mode=int(given.mode, 8),
        owner=given.owner,
        group=given.group,
        refuses=before.refuses if before else {value: getattr(errno, name) for value, name in given.refuses.items()},
        bends=before.bends if before else given.bends,
    )


def _paths(domain: str) -> list[Path]:
    return sorted((FOLDER / domain / "cases").glob("*/*.json"))


def _load(domain: str, path: Path) -> Case:
    content = msgspec.json.decode(path.read_bytes(), type=Content)
    name = f"{domain}/{path.parent.name}/{path.stem}"
    return Case(name=name, handler=folders(domain)[path.parent.name], content=content)


def part(domain: str, name: str) -> Before:
    """What several cases of a domain share."""
    return msgspec.json.decode((FOLDER / domain / "parts" / f"{name}.json").read_bytes(), type=Before)


def _host(before: Before, parts: list[Before]) -> FakeHost:
    """`before` comes first and so wins over its parts."""
    every = [before, *parts]
    files = {path: file for one in reversed(every) for path, file in one.files.items()}
    host = FakeHost(
        Setup(
            files={path: as_file(file) for path, file in files.items() if file is not None},
            scripts=[_script(command) for one in every for command in one.commands],
            exchanges=[exchange for one in every for exchange in exchanges(one)],
            programs=before.programs,
            accounts=before.accounts,
            objects={name: _uploaded(each) for name, each in before.objects.items()},
            backups={path: as_file(file) for path, file in before.backups.items()},
            disks={path: _space(disk) for path, disk in before.disks.items()},
            labels=before.labels,
            architecture=before.architecture,
            fetchable=Fetchable(paths=before.fetchable),
            now=before.now,
            reaches=before.reaches,
        )
    )
    for path, file in files.items():
        if file is None:
            host.put(path, None)
    return host


def _uploaded(given: Object) -> FakeObject:
    return FakeObject(content=given.content.encode(), content_type=given.content_type)


def _script(command: Command) -> Script:
    return Script(
        argv=command.argv,
        stdout=command.stdout.encode(),
        stderr=command.stderr.encode(),
        exit_code=None if command.signal is not None else command.exit_code,
        signal=command.signal,
        hangs=command.hangs,
        sets=_contents(command.sets),
        when=_contents(command.when),
    )


def exchanges(before: Before) -> list[services.Exchange]:
    """What services answer."""
    return [_exchange(socket, given) for socket, several in before.sockets.items() for given in several]


def _exchange(socket: str, given: Exchange) -> services.Exchange:
    method, _, target = given.asks.partition(" ")
    is_json = given.json is not msgspec.UNSET
    return services.Exchange(
        socket=socket,
        method=method,
        target=target,
        sends=None if given.sends is msgspec.UNSET else msgspec.json.encode(given.sends),
        status=given.status,
        content=msgspec.json.encode(given.json) if is_json else given.text.encode(),
        hangs=given.hangs,
        sets=_contents(given.sets),
        when=_contents(given.when),
    )


def _contents(files: dict[str, str | None]) -> dict[str, bytes | None]:
    return {path: None if content is None else content.encode() for path, content in files.items()}


def _space(disk: Disk) -> DiskSpace | OsapiError:
    if disk.error:
        return Permanent(disk.error)
    return DiskSpace(
        total=disk.total,
        free=disk.free,
        available=disk.available,
        inodes_total=disk.inodes_total,
        inodes_free=disk.inodes_free,
        read_only=disk.read_only,
    )


def _record(path: str, note: Note, host: FakeHost) -> ManagedFile:
    return ManagedFile(
        path=path,
        sha256=sha256(note.content.encode()),
        operation="earlier",
        job_id="job-0",
        recorded=host.now(),
        settled=note.settled,
        mode=int(note.mode, 8) if note.mode else None,
        owner=note.owner,
        group=note.group,
        source=_source(note),
        metadata=note.metadata,
    )


def _source(note: Note) -> Source | None:
    if not note.object:
        return None
    return Source(object_name=note.object, sha256=sha256(note.content.encode()), content_type=ContentType.RAW)
