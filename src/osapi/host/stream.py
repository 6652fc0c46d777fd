"""Reads and writes files of any length piece by piece."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterable

from osapi.contract.errors import NotFound, Permanent
from osapi.host.ending import in_thread
from osapi.host.failures import from_os
from osapi.host.files import FileTree
from osapi.host.replacing import Growing

PIECE = 128 * 1024
"""Bytes that are read at once."""


async def read(files: FileTree, path: str) -> AsyncGenerator[bytes]:
    """As `Host.pieces`."""
    try:
        descriptor = await in_thread(lambda: files.open(path))
        try:
            while piece := await asyncio.to_thread(os.read, descriptor, PIECE):
                yield piece
        finally:
            os.close(descriptor)
    except FileNotFoundError as err:
        raise NotFound(f"there is no file {path}") from err
    except OSError as err:
        raise from_os(err, f"cannot read {path}") from err


async def write(
    files: FileTree,
    path: str,
    content: AsyncIterable[bytes],
    *,
    sha256: str,
    mode: int,
    uid: int,
    gid: int,
    make_parents: bool,
) -> None:
    """As `Host.write_from`."""
    try:
        new = await in_thread(lambda: files.begin(path, make_parents=make_parents))
        try:
            digest = await _fill(new, content)
            check_digest(path, digest, sha256)
            await in_thread(lambda: new.commit(mode=mode, uid=uid, gid=gid))
        finally:
            await in_thread(new.close)
    except OSError as err:
        raise from_os(err, f"cannot write {path}") from err


def check_digest(path: str, found: str, wanted: str) -> None:
    """Raises `Permanent` when they differ."""
    if found != wanted:
        raise Permanent(f"cannot write {path}: what came has the digest {found}, not {wanted}", code="corrupt")


async def _fill(new: Growing, content: AsyncIterable[bytes]) -> str:
    hashed = hashlib.sha256()
    async for piece in content:

        def work(piece: bytes = piece) -> None:
            hashed.update(piece)
            new.write(piece)

        await in_thread(work)
    return hashed.hexdigest()
