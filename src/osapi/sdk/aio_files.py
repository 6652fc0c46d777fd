"""The files of a controller through the asynchronous client; see `files`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from osapi.contract.files import ContentType
from osapi.files.api import FileDeleted, FileInfo, FileList, FileUpload, StaleList
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.errors import NotFound
from osapi.sdk.files import unchanged
from osapi.sdk.form import Source, UploadForm
from osapi.sdk.saving import Digest, NewFile
from osapi.sdk.wire import decode


class AsyncFiles:
    """The store of uploaded files. Files on disk are read and written in threads."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self) -> FileList:
        """Every file in the store, by name."""
        answer: FileList = decode(await self._raw.send(calls.file_list()), FileList)
        return answer

    async def get(self, name: str) -> FileInfo:
        """What is known of a file. Raises `NotFound`."""
        answer: FileInfo = decode(await self._raw.send(calls.file_get(name)), FileInfo)
        return answer

    async def upload(
        self,
        name: str,
        content: bytes | str | os.PathLike[str],
        *,
        content_type: ContentType = ContentType.RAW,
        force: bool = False,
    ) -> FileUpload:
        """Upload bytes, or the file at a path; see `Files.upload`."""
        source = await asyncio.to_thread(Source, content)
        try:
            known = unchanged(await self.get(name), source, content_type)
        except NotFound:
            known = None
        if known is not None:
            return known
        form = UploadForm({"name": name, "content_type": content_type.value}, source)
        answer: FileUpload = decode(await self._raw.send(calls.file_upload(form, force=force)), FileUpload)
        return answer

    async def download(self, name: str) -> AsyncGenerator[bytes, None]:
        """The content, piece by piece; see `Files.download`."""
        known = await self.get(name)
        async for piece in self._content(known):
            yield piece

    async def save(self, name: str, path: str | os.PathLike[str]) -> FileInfo:
        """Download to a file, which takes its place when it is whole and right."""
        known = await self.get(name)
        with NewFile(path) as file:
            async for piece in self._content(known):
                await asyncio.to_thread(file.write, piece)
        return known

    async def delete(self, name: str) -> FileDeleted:
        """Delete a file from the store; see `Files.delete`."""
        answer: FileDeleted = decode(await self._raw.send(calls.file_delete(name)), FileDeleted)
        return answer

    async def stale(self) -> StaleList:
        """The deployed files that are not what would be deployed now."""
        answer: StaleList = decode(await self._raw.send(calls.file_stale()), StaleList)
        return answer

    async def _content(self, known: FileInfo) -> AsyncGenerator[bytes, None]:
        digest = Digest(known.name, known.sha256)
        async with aclosing(self._raw.stream(calls.file_content(known.name))) as pieces:
            async for piece in pieces:
                digest.update(piece)
                yield piece
        digest.check()
