"""Fetching on any Linux: a file is read once, piece by piece, without following a link."""

from __future__ import annotations

from contextlib import aclosing

from osapi.contract.errors import NotFound, Permanent, TooLarge, Unavailable, Unsupported
from osapi.contract.kept import CONTENT, Kept
from osapi.domains.fetch.models import FetchedFile, FileFetch
from osapi.domains.fetch.provider import FetchProvider
from osapi.host.door import Host, Spool
from osapi.host.files import FileKind, FileStat

STORE_S = 30.0
"""How long the last pieces may take to be stored."""


class LinuxFetch:
    """Reads files and keeps their content where it can be downloaded."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def fetch(self, request: FileFetch, /) -> FetchedFile:
        """Read one file whole. One that grows meanwhile is taken up to its present end."""
        found = await self._allowed(request.path)
        kept, size = await self._keep(request.path)
        check(request.path, kept, size)
        return FetchedFile(
            path=request.path,
            size=kept.size,
            sha256=kept.sha256,
            mode=f"{found.mode:04o}",
            uid=found.uid,
            gid=found.gid,
            modified=found.modified,
        )

    async def _allowed(self, path: str) -> FileStat:
        """Looked at only when it may be fetched, so that nobody learns of other files whether they exist."""
        self._host.fetchable.check(path, self._host.private_places)
        found = await self._host.stat(path)
        if found is None:
            raise NotFound(f"there is no file {path}")
        if found.kind is not FileKind.FILE:
            raise Permanent(f"{path} is a {found.kind.value}, not a regular file", code="unsafe_path")
        self._refuse_if_longer(path, found.size)
        return found

    async def _keep(self, path: str) -> tuple[Kept, int]:
        keep = self._host.task.keep
        if keep is None:
            raise Unsupported(
                "nothing can be fetched: the setting nats.output.bucket is empty, so there is no store for it"
            )
        spool = keep.spool(CONTENT, self._host.fetchable.max_bytes)
        try:
            size = await self._read_into(spool, path)
            return await spool.finish(STORE_S), size
        finally:
            spool.abandon()

    async def _read_into(self, spool: Spool, path: str) -> int:
        size = 0
        async with aclosing(self._host.pieces(path)) as pieces:
            async for piece in pieces:
                size += len(piece)
                self._refuse_if_longer(path, size)
                until = spool.add(piece)
                if until is not None:
                    await until
        return size

    def _refuse_if_longer(self, path: str, size: int) -> None:
        most = self._host.fetchable.max_bytes
        if size > most:
            raise TooLarge(
                f"{path} has {size} bytes or more; this host gives out {most} at most (agent.fetch.max_bytes)"
            )


def check(path: str, kept: Kept, size: int) -> None:
    """Raise `Unavailable` unless the whole file is kept."""
    if kept.error or kept.truncated or kept.size != size:
        raise Unavailable(f"{path} was read, but is not in the store: {kept.error or 'only a part of it is'}")


def provider(host: Host) -> FetchProvider:
    """A provider for one job."""
    return LinuxFetch(host)
