"""A file on its way from the controller: checked against its digest, and put in place only when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from osapi.sdk.errors import SdkError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Self


class Digest:
    """Takes pieces and compares their digest at the end."""

    def __init__(self, name: str, sha256: str) -> None:
        self._name = name
        self._wanted = sha256
        self._hash = hashlib.sha256()

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)

    def check(self) -> None:
        """Raise `SdkError` unless the digest is that which was told before."""
        if self._hash.hexdigest() != self._wanted:
            raise SdkError(f"{self._name} was replaced while it was downloaded; try again")


def checked(name: str, sha256: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces. Only who has come to the end knows that they are right; raises `SdkError` there."""
    digest = Digest(name, sha256)
    for piece in pieces:
        digest.update(piece)
        yield piece
    digest.check()


class NewFile:
    """A file that takes its place when everything has been written, and leaves nothing otherwise.

    Raises `SdkError` when the system refuses.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._part = f"{self._path}.{os.urandom(4).hex()}.part"

    def __enter__(self) -> Self:
        with self._told():
            self._file = open(self._part, "xb")  # noqa: PTH123 - closed in __exit__
        return self

    def write(self, piece: bytes) -> None:
        with self._told():
            self._file.write(piece)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._told():
            self._file.close()
            if kind is None:
                os.replace(self._part, self._path)  # noqa: PTH105
                return
            os.unlink(self._part)  # noqa: PTH108

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except OSError as problem:
            raise SdkError(f"cannot write {self._path}: {problem.strerror}") from problem
