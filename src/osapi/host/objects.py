"""Uploaded objects as a job on a host sees them: looked up by name, read piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from osapi.contract.errors import NotFound, Unsupported
from osapi.contract.files import CONTENT_TYPE, ContentType
from osapi.transport.objects import ObjectInfo, ObjectStore

OBJECT_NOT_FOUND = "object_not_found"


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """What is known of an object before it is read. `sha256` in hexadecimal, `size` in bytes.

    `version` says which content was found under the name; it is for whoever reads it.
    """

    name: str
    sha256: str
    size: int
    content_type: ContentType
    version: object = None


class Objects(Protocol):
    """The objects that can be deployed."""

    async def find(self, name: str) -> StoredObject:
        """What is known of it. Raises `NotFound` (code `object_not_found`), `Unavailable`, `Unsupported`."""
        ...

    def read(self, found: StoredObject) -> AsyncGenerator[bytes]:
        """Its content, in pieces, as it was when it was found; close it to stop early.

        Raises `Unavailable`, with code `object_changed` when it is replaced or deleted meanwhile.
        """
        ...


class BrokerObjects:
    """The objects in the broker's store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def find(self, name: str) -> StoredObject:
        info = await self._store.head(name)
        if info is None:
            raise no_object(name)
        return StoredObject(
            name=info.name,
            sha256=info.sha256,
            size=info.size,
            content_type=ContentType.of(info.headers.get(CONTENT_TYPE)),
            version=info,
        )

    def read(self, found: StoredObject) -> AsyncGenerator[bytes]:
        if not isinstance(found.version, ObjectInfo):
            raise TypeError("only what `find` has found can be read")
        return self._store.read(found.version)


class NoObjects:
    """Where the settings name no object store."""

    async def find(self, name: str) -> StoredObject:
        raise Unsupported(f"there is no object {name}: the setting nats.objects.bucket is empty, so there are no files")

    def read(self, found: StoredObject) -> AsyncGenerator[bytes]:
        raise Unsupported(f"there is no object {found.name}")


def no_object(name: str) -> NotFound:
    """The failure of a name that nothing was uploaded under."""
    return NotFound(f"there is no object {name!r} in the store; upload it first", code=OBJECT_NOT_FOUND)
