"""Output that jobs have kept whole, through the asynchronous client; see `outputs`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from osapi.jobs.api import JobOutputs
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.outputs import digest_of
from osapi.sdk.saving import Digest, NewFile
from osapi.sdk.wire import decode


class AsyncOutputs:
    """What commands wrote, and files of hosts. Files on disk are written in threads."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self, job_id: str) -> JobOutputs:
        """What the hosts of a job have kept, as far as they have answered."""
        answer: JobOutputs = decode(await self._raw.send(calls.job_outputs(job_id)), JobOutputs)
        return answer

    async def read(self, job_id: str, hostname: str, name: str) -> AsyncGenerator[bytes, None]:
        """One output of one host, piece by piece; see `Outputs.read`."""
        digest = Digest(f"{name} of {hostname}", digest_of(await self.list(job_id), hostname, name))
        async with aclosing(self._raw.stream(calls.job_output(job_id, hostname, name))) as pieces:
            async for piece in pieces:
                digest.update(piece)
                yield piece
        digest.check()

    async def save(self, job_id: str, hostname: str, name: str, path: str | os.PathLike[str]) -> None:
        """Download one to a file, which takes its place when it is whole and right."""
        with NewFile(path) as file:
            async with aclosing(self.read(job_id, hostname, name)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
