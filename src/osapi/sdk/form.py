"""A file on its way to the controller: a multipart form (RFC 7578) that is sent piece by piece.

Of the file only a piece is ever in memory. It is read twice, for its digest and for sending, and again when
the request has to be repeated. Written without `email` and `mimetypes`: the CLI imports it.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from osapi.sdk.errors import SdkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIECE_BYTES = 256 * 1024


class Source:
    """What is uploaded: bytes, or the file at a path. Raises `SdkError` when that cannot be read."""

    def __init__(self, content: bytes | str | os.PathLike[str]) -> None:
        self._content = content
        hashed = hashlib.sha256()
        self.size = 0
        """Bytes."""
        for piece in self._read():
            hashed.update(piece)
            self.size += len(piece)
        self.sha256 = hashed.hexdigest()
        """In hexadecimal."""

    def pieces(self) -> Iterator[bytes]:
        """The content once more. Raises `SdkError` when it has another length by now."""
        left = self.size
        for piece in self._read():
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left:
            raise SdkError(f"{self._content!r} was changed while it was read; try again")

    def _read(self) -> Iterator[bytes]:
        if isinstance(self._content, bytes):
            for start in range(0, len(self._content), PIECE_BYTES):
                yield self._content[start : start + PIECE_BYTES]
            return
        try:
            with open(self._content, "rb") as file:  # noqa: PTH123 - pathlib costs the CLI its import
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except OSError as problem:
            raise SdkError(f"cannot read {os.fspath(self._content)}: {problem.strerror}") from problem


class UploadForm:
    """The form as it goes over the wire. `length` is that of all of it, in bytes."""

    def __init__(self, fields: Mapping[str, str], source: Source) -> None:
        boundary = os.urandom(16).hex()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        parts = [f"--{boundary}\r\n{_disposition(name)}\r\n\r\n{value}\r\n" for name, value in fields.items()]
        parts.append(
            f'--{boundary}\r\n{_disposition("file")}; filename="file"\r\ncontent-type: application/octet-stream\r\n\r\n'
        )
        self._source = source
        self._before = "".join(parts).encode("utf-8", "surrogateescape")
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self.length = len(self._before) + source.size + len(self._after)

    def pieces(self) -> Iterator[bytes]:
        """The form, piece by piece; may be called again."""
        yield self._before
        yield from self._source.pieces()
        yield self._after


def _disposition(name: str) -> str:
    return f'content-disposition: form-data; name="{name}"'
