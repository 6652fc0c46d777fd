"""How a file should be, and what is known of it, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from osapi.host.files import FileStat
from osapi.host.managed import ManagedFile, Source
from osapi.host.objects import StoredObject
from osapi.host.plan import sha256

DEFAULT_MODE = 0o644


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a file is to hold: bytes, or an object that is brought when it is needed. `sha256` in hexadecimal."""

    data: bytes | StoredObject
    sha256: str
    source: Source | None = None

    @classmethod
    def of(cls, data: bytes, source: Source | None = None) -> Content:
        """These bytes. `source` says from which object they were made; None from none."""
        return cls(data=data, sha256=sha256(data), source=source)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file as it should be. Owner and group are names or numbers; None means the agent's own.

    `metadata` is kept in the note about the file, for the domain whose file it is. `shown` says that its lines
    hold no secret and may be told, although not everybody on the host may read them.
    """

    path: str
    content: Content
    mode: int = DEFAULT_MODE
    owner: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    shown: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of one file. Contents are None also when they are too long to be shown.

    `ids` are the numbers of the owner and group that it should have; None when nobody has those names.
    `fetched` is the content of a small object that differs from what is there. `backup` is the file that was there
    before, `restored` the digest of one that `undeploy` has put back already.
    """

    path: str
    note: ManagedFile | None
    file: FileStat | None
    sha256: str | None
    content: bytes | None
    ids: tuple[int, int] | None = None
    fetched: bytes | None = None
    backup: FileStat | None = None
    backup_content: bytes | None = None
    backup_sha256: str | None = None
    restored: str | None = None

    @property
    def managed(self) -> bool:
        """Whether the file is OSAPI's. An intention counts once the content it names is in place."""
        return self.note is not None and (self.note.settled or self.sha256 == self.note.sha256)

    @property
    def in_the_way(self) -> bool:
        """Whether there is a file that OSAPI did not write."""
        return self.file is not None and not self.managed

    def deviations(self, digest: str, mode: int | None) -> tuple[str, ...]:
        """In what the file differs: `content`, `mode`, `owner`, `group`. Empty: in nothing. For a file that is there."""
        file = self.file
        if file is None:
            return ("content",)
        uid, gid = self.ids or (-1, -1)
        differs = {
            "content": self.sha256 != digest,
            "mode": mode is not None and file.mode != mode,
            "owner": file.uid != uid,
            "group": file.gid != gid,
        }
        return tuple(name for name, true in differs.items() if true)
