"""An object store: large values by name, in chunks (NATS ADR-20), written and read piece by piece.

Nothing is ever whole in memory: a few chunks are under way at once. An object comes into being with its
description, which is written last and all at once; before that nobody sees anything of it. The store
itself is made by `provision`.

Unlike in ADR-20 each chunk has a subject of its own (`C.<object>.<number>`). So it can be read by the
direct get of one subject, the only read whose right can be limited: an agent may read the objects whose
names it knows, and neither list the store nor find others in it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from osapi.contract.errors import Conflict, Invalid, NotFound, Unavailable
from osapi.transport import batch, headers
from osapi.transport.append import append
from osapi.transport.link import Link
from osapi.transport.stream import ask
from osapi.transport.upload import Upload, digest_text

WINDOW = 8
"""Chunks that are under way at once, in either direction."""
LONGEST_NAME = 255
"""Characters of a name."""

_EXPECT = "Nats-Expected-Last-Subject-Sequence"
_ROLLUP = {"Nats-Rollup": "sub"}
_TIMEOUT_S = 10.0
_CHANGED = "object_changed"


class Description(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the broker holds about an object, in the form of ADR-20."""

    name: str
    bucket: str
    nuid: str
    size: int = 0
    chunks: int = 0
    digest: str = ""
    mtime: str = ""
    deleted: bool = False
    headers: dict[str, list[str]] = {}


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an object without reading it.

    `sha256` is in hexadecimal, `size` in bytes, `revision` the sequence of this version in the store.
    """

    name: str
    size: int
    sha256: str
    headers: Mapping[str, str]
    stored: datetime
    revision: int
    chunks: int
    nuid: str


class ObjectStore:
    """Objects by name. Every method raises `Unavailable` when the broker is away or has no such store.

    A name is 1 to 255 printable characters; anything else is `Invalid`.
    """

    def __init__(self, link: Link, name: str) -> None:
        self.name = name
        self._link = link
        self._stream = link.names.object_stream(name)
        self._prefix = link.names.object_prefix(name)

    async def head(self, name: str) -> ObjectInfo | None:
        """What is known of an object; None when there is none of that name."""
        found = await batch.last(self._link, self._stream, self._about(name))
        return None if found is None else _present(found)

    async def list(self) -> list[ObjectInfo]:
        """Every object, by name."""
        found = await batch.last_of(self._link, self._stream, [f"{self._prefix}M.>"])
        infos = [info for message in found if (info := _present(message))]
        return sorted(infos, key=lambda info: info.name)

    async def read(self, info: ObjectInfo) -> AsyncGenerator[bytes]:
        """The content, in order, in pieces of the store's own size.

        Only who has read to the end knows that it was whole and unharmed. Raises `Unavailable` with code
        `object_changed` when it is replaced or deleted meanwhile, and `corrupt` when the digest is another.
        Close it (`contextlib.aclosing`) to stop early.
        """
        digest, size = hashlib.sha256(), 0
        under_way: deque[asyncio.Task[bytes]] = deque()
        numbers = iter(range(info.chunks))
        try:
            for number in numbers:
                under_way.append(asyncio.create_task(self._chunk(info, number)))
                if len(under_way) >= WINDOW:
                    break
            while under_way:
                piece = await under_way.popleft()
                for number in numbers:
                    under_way.append(asyncio.create_task(self._chunk(info, number)))
                    break
                digest.update(piece)
                size += len(piece)
                yield piece
        finally:
            await _end(under_way)
        if (size, digest.hexdigest()) != (info.size, info.sha256):
            raise Unavailable(f"object {info.name} does not have its digest any more", code="corrupt")

    @contextlib.asynccontextmanager
    async def upload(self, *, take_back: bool = True) -> AsyncGenerator[Upload]:
        """An object to be written, whose name may become known later.

        What is not committed is taken back; `take_back` False leaves that to the sweep, for who has no right to remove.
        """
        upload = Upload(self._link, f"{self._prefix}C.", WINDOW)
        try:
            yield upload
        finally:
            if not upload.committed:
                await upload.end()
            if take_back and not upload.committed:
                with contextlib.suppress(Unavailable):  # the sweep will find it
                    await self._purge(upload.nuid)

    async def commit(
        self, upload: Upload, name: str, attributes: Mapping[str, str], *, expect: int | None = None
    ) -> ObjectInfo:
        """Give the upload its name, in place of an object that has it; from now on it is seen.

        `expect` is the revision that the present object of this name must have, 0 for none at all; with 0
        no right to read is needed. Raises `Conflict` when it is another.
        """
        subject = self._about(name)
        digest = await upload.finish()
        before = None if expect == 0 else await self._before(name, expect)
        stored = datetime.now(UTC)
        description = Description(
            name=name,
            bucket=self.name,
            nuid=upload.nuid,
            size=upload.size,
            chunks=upload.chunks,
            digest=digest,
            mtime=stored.isoformat(),
            headers={key: [value] for key, value in attributes.items()},
        )
        revision = await self._describe(subject, description, expect)
        upload.committed = True
        if before is not None:
            with contextlib.suppress(Unavailable):  # the sweep will find it
                await self._purge(before.nuid)
        return _info(description, revision, stored)

    async def put(
        self,
        name: str,
        content: AsyncIterable[bytes],
        attributes: Mapping[str, str] | None = None,
        *,
        expect: int | None = None,
    ) -> ObjectInfo:
        """Store an object, piece by piece; see `commit`."""
        self._about(name)
        async with self.upload() as upload:
            async for piece in content:
                await upload.write(piece)
            return await self.commit(upload, name, attributes or {}, expect=expect)

    async def delete(self, name: str) -> bool:
        """Delete an object; False when there was none."""
        present = await self.head(name)
        if present is None:
            return False
        gone = Description(name=name, bucket=self.name, nuid=present.nuid, deleted=True)
        await self._describe(self._about(name), gone, present.revision)
        await self._purge(present.nuid)
        return True

    async def sweep(self, older_than: timedelta) -> int:
        """Remove chunks that no object has, and that are older than that: remains of uploads that were killed.

        Returns of how many uploads. Needs rights that only controllers have.
        """
        live = {info.nuid for info in await self.list()}
        lost = {nuid: last for nuid, last in (await self._uploads()).items() if nuid not in live}
        limit = (datetime.now(UTC) - older_than).timestamp() * 1e9
        removed = 0
        for nuid, last in lost.items():
            found = await batch.last(self._link, self._stream, f"{self._prefix}C.{nuid}.{last}")
            if found is None or found.stamp < limit:
                await self._purge(nuid)
                removed += 1
        return removed

    async def _uploads(self) -> dict[str, int]:
        """The last chunk of everything that has chunks."""
        found: dict[str, int] = {}
        question: dict[str, Any] = {"subjects_filter": f"{self._prefix}C.>", "offset": 0}
        while True:
            answer = await ask(self._link, self._stream, "INFO", question)
            subjects = answer.state.subjects or {}
            for subject in subjects:
                nuid, _, number = subject.removeprefix(f"{self._prefix}C.").partition(".")
                found[nuid] = max(found.get(nuid, 0), int(number))
            question["offset"] += len(subjects)
            if not subjects or question["offset"] >= answer.total:
                return found

    async def _before(self, name: str, expect: int | None) -> ObjectInfo | None:
        present = await self.head(name)
        if expect is not None and (present is None or present.revision != expect):
            raise Conflict(f"object {name} was changed by somebody else meanwhile")
        return present

    async def _describe(self, subject: str, description: Description, expect: int | None) -> int:
        fields = _ROLLUP if expect is None else {**_ROLLUP, _EXPECT: str(expect)}
        content = msgspec.json.encode(description)
        try:
            return await append(self._link, subject, content, headers.encode(fields), timeout_s=_TIMEOUT_S)
        except Conflict:
            if expect != 0:
                raise
        # Nothing is there, perhaps, but the mark of a deletion.
        mark = await batch.last(self._link, self._stream, subject)
        if mark is None or _present(mark) is not None:
            raise Conflict(f"there is an object {description.name} already")
        return await self._describe(subject, description, mark.sequence)

    async def _chunk(self, info: ObjectInfo, number: int) -> bytes:
        found = await batch.last(self._link, self._stream, f"{self._prefix}C.{info.nuid}.{number}")
        if found is None:
            raise Unavailable(f"object {info.name} was replaced or deleted while it was read", code=_CHANGED)
        return found.data

    async def _purge(self, nuid: str) -> None:
        with contextlib.suppress(NotFound):
            await ask(self._link, self._stream, "PURGE", {"filter": f"{self._prefix}C.{nuid}.>"})

    def _about(self, name: str) -> str:
        """The subject of a description."""
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise Invalid(f"{name[:80]!r} is not a name: 1 to {LONGEST_NAME} printable characters are")
        return f"{self._prefix}M.{base64.urlsafe_b64encode(name.encode()).decode()}"


def _present(message: batch.Stored) -> ObjectInfo | None:
    """What a description tells; None when it is the mark of a deletion."""
    found = msgspec.json.decode(message.data, type=Description)
    if found.deleted:
        return None
    return _info(found, message.sequence, datetime.fromtimestamp(message.stamp // 1000 / 1e6, UTC))


def _info(found: Description, revision: int, stored: datetime) -> ObjectInfo:
    return ObjectInfo(
        name=found.name,
        size=found.size,
        sha256=digest_text(found.digest),
        headers={key: values[0] for key, values in found.headers.items() if values},
        stored=stored,
        revision=revision,
        chunks=found.chunks,
        nuid=found.nuid,
    )


async def _end(tasks: deque[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
