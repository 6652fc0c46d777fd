"""Uploaded objects and kept files in memory, for `testing.host`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from osapi.contract.errors import NotFound, TooLarge, Unavailable
from osapi.contract.files import ContentType
from osapi.host.files import FileKind, FileStat
from osapi.host.objects import StoredObject, no_object
from osapi.host.plan import sha256
from osapi.testing.files import FakeFile, FakeFiles

_PIECE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class FakeObject:
    """What was uploaded under a name."""

    content: bytes
    content_type: ContentType = ContentType.RAW


class FakeObjects:
    """Offers `host.objects.Objects`."""

    def __init__(self, objects: Mapping[str, FakeObject]) -> None:
        self._objects = dict(objects)
        self.reads = 0
        """How often the content of an object was asked for."""

    def put(self, name: str, uploaded: FakeObject | None) -> None:
        """Upload, or with None delete, behind the back of whoever reads."""
        if uploaded is None:
            self._objects.pop(name, None)
        else:
            self._objects[name] = uploaded

    async def find(self, name: str) -> StoredObject:
        found = self._objects.get(name)
        if found is None:
            raise no_object(name)
        return StoredObject(
            name=name,
            sha256=sha256(found.content),
            size=len(found.content),
            content_type=found.content_type,
            version=found,
        )

    async def read(self, found: StoredObject) -> AsyncGenerator[bytes]:
        self.reads += 1
        present = self._objects.get(found.name)
        if present is None or present is not found.version:
            raise Unavailable(f"object {found.name} was replaced or deleted while it was read", code="object_changed")
        for start in range(0, len(present.content), _PIECE):
            yield present.content[start : start + _PIECE]


class FakeBackups:
    """Offers `host.backups.Backups`."""

    def __init__(self, files: FakeFiles) -> None:
        self._files = files
        self.kept: dict[str, FakeFile] = {}

    async def stat(self, path: str) -> FileStat | None:
        file = self.kept.get(path)
        if file is None:
            return None
        numbers = self._files.number
        return FileStat(
            kind=FileKind.FILE,
            mode=file.mode,
            uid=numbers(file.owner),
            gid=numbers(file.group),
            size=len(file.content),
            modified=self._files.modified,
        )

    async def read(self, path: str, limit: int) -> bytes | None:
        file = self.kept.get(path)
        if file is not None and len(file.content) > limit:
            raise TooLarge(f"the copy of {path} is longer than {limit} bytes")
        return None if file is None else file.content

    async def digest(self, path: str) -> str | None:
        file = self.kept.get(path)
        return None if file is None else sha256(file.content)

    async def keep(self, path: str) -> None:
        file = self._files.whole(path)
        if file is None:
            raise NotFound(f"cannot copy {path}: it is not there")
        self.kept[path] = file

    async def restore(self, path: str) -> None:
        file = self.kept.get(path)
        if file is None:
            raise NotFound(f"cannot put {path} back: there is no copy of it")
        self._files.write(path, file, make_parents=True)

    async def drop(self, path: str) -> None:
        self.kept.pop(path, None)
