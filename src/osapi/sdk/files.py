"""The files of a controller through the synchronous client."""

from __future__ import annotations

import os
from collections.abc import Iterator

from osapi.contract.files import ContentType
from osapi.files.api import FileDeleted, FileInfo, FileList, FileUpload, StaleList
from osapi.sdk import calls
from osapi.sdk.errors import NotFound
from osapi.sdk.form import Source, UploadForm
from osapi.sdk.raw import RawClient
from osapi.sdk.saving import NewFile, checked
from osapi.sdk.wire import decode


class Files:
    """The store of uploaded files. Of a file of any length only a piece is in memory."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def list(self) -> FileList:
        """Every file in the store, by name."""
        answer: FileList = decode(self._raw.send(calls.file_list()), FileList)
        return answer

    def get(self, name: str) -> FileInfo:
        """What is known of a file. Raises `NotFound`."""
        answer: FileInfo = decode(self._raw.send(calls.file_get(name)), FileInfo)
        return answer

    def upload(
        self,
        name: str,
        content: bytes | str | os.PathLike[str],
        *,
        content_type: ContentType = ContentType.RAW,
        force: bool = False,
    ) -> FileUpload:
        """Upload bytes, or the file at a path. When the store holds just this already, nothing is sent.

        Raises `Conflict` when it holds another content under the name, unless `force` is set.
        """
        source = Source(content)
        try:
            known = unchanged(self.get(name), source, content_type)
        except NotFound:
            known = None
        if known is not None:
            return known
        form = UploadForm({"name": name, "content_type": content_type.value}, source)
        answer: FileUpload = decode(self._raw.send(calls.file_upload(form, force=force)), FileUpload)
        return answer

    def download(self, name: str) -> Iterator[bytes]:
        """The content, piece by piece; at the end raises `SdkError` when it was not that of one version."""
        known = self.get(name)
        yield from checked(name, known.sha256, self._raw.stream(calls.file_content(name)))

    def save(self, name: str, path: str | os.PathLike[str]) -> FileInfo:
        """Download to a file, which takes its place when it is whole and right."""
        known = self.get(name)
        with NewFile(path) as file:
            for piece in checked(name, known.sha256, self._raw.stream(calls.file_content(name))):
                file.write(piece)
        return known

    def delete(self, name: str) -> FileDeleted:
        """Delete a file from the store; where it is deployed it stays. Raises `NotFound` and `Forbidden`."""
        answer: FileDeleted = decode(self._raw.send(calls.file_delete(name)), FileDeleted)
        return answer

    def stale(self) -> StaleList:
        """The deployed files that are not what would be deployed now."""
        answer: StaleList = decode(self._raw.send(calls.file_stale()), StaleList)
        return answer


def unchanged(known: FileInfo, source: Source, content_type: ContentType) -> FileUpload | None:
    """The answer to an upload that would change nothing; None when it would."""
    if (known.sha256, known.content_type) != (source.sha256, content_type):
        return None
    return FileUpload(
        name=known.name, sha256=known.sha256, size=known.size, changed=False, content_type=known.content_type
    )
