"""An object on its way into a store: cut into chunks, hashed, a few of them under way at once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections import deque

from osapi.transport.append import append
from osapi.transport.link import Link

CHUNK_BYTES = 128 * 1024
"""Size of a chunk, as ADR-20 has it; less where the broker takes only smaller messages."""

_DIGEST = "SHA-256="
_TIMEOUT_S = 10.0


class Upload:
    """Takes the content piece by piece. Made by `ObjectStore.upload`, named by `ObjectStore.commit`."""

    def __init__(self, link: Link, prefix: str, window: int) -> None:
        self.nuid = secrets.token_hex(16)
        """Names the chunks; nobody can guess it."""
        self.committed = False
        self.size = 0
        """Bytes taken so far."""
        self.chunks = 0
        self._link = link
        self._prefix = prefix
        self._window = window
        self._length = min(CHUNK_BYTES, link.client.max_payload)
        self._rest = bytearray()
        self._hash = hashlib.sha256()
        self._under_way: deque[asyncio.Task[int]] = deque()

    @property
    def sha256(self) -> str:
        """Digest of what was taken so far, in hexadecimal."""
        return self._hash.hexdigest()

    async def write(self, piece: bytes) -> None:
        """Take a piece of any size. Waits while enough is under way.

        Raises `Unavailable`, also for an earlier piece: broker away, store full (code `refused`).
        """
        self._hash.update(piece)
        self.size += len(piece)
        view = memoryview(piece)
        while view:
            taken = view[: self._length - len(self._rest)]
            self._rest += taken
            view = view[len(taken) :]
            if len(self._rest) == self._length:
                await self._send(bytes(self._rest))
                self._rest.clear()

    async def finish(self) -> str:
        """Wait until everything is stored; returns the digest in the form of ADR-20."""
        if self._rest:
            await self._send(bytes(self._rest))
            self._rest.clear()
        while self._under_way:
            await self._under_way.popleft()
        return f"{_DIGEST}{base64.urlsafe_b64encode(self._hash.digest()).decode()}"

    async def end(self) -> None:
        """Wait until nothing is under way any more, whatever becomes of it.

        Nothing is called back: a chunk that was sent could be stored after everything else was purged.
        """
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._under_way.clear()

    async def _send(self, chunk: bytes) -> None:
        if len(self._under_way) >= self._window:
            await self._under_way.popleft()
        subject = f"{self._prefix}{self.nuid}.{self.chunks}"
        self.chunks += 1
        self._under_way.append(asyncio.create_task(append(self._link, subject, chunk, timeout_s=_TIMEOUT_S)))


def digest_text(digest: str) -> str:
    """A digest of ADR-20 in hexadecimal; empty when it is none."""
    try:
        return base64.urlsafe_b64decode(digest.removeprefix(_DIGEST)).hex()
    except (binascii.Error, ValueError):
        return ""
