"""A flood: so many requests a second from one address, whatever the answers are."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.certificates import HOST
from tests.integration.controller.kit import ControllerProcess

_CONNECTIONS = 20


@dataclass
class Flood:
    """Requests with one Authorization header from one address of this machine (all of 127.0.0.0/8 are its own)."""

    controller: ControllerProcess
    address: str
    token: str
    per_second: int = 1000
    statuses: Counter[int] = field(default_factory=Counter[int])
    waits: list[int] = field(default_factory=list[int])
    """What Retry-After told, in seconds."""

    async def run(self, seconds: float) -> None:
        """Send at this pace for so long."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._send(end, number) for number in range(_CONNECTIONS)))

    async def _send(self, end: float, number: int) -> None:
        to = self.controller
        reader, writer = await asyncio.open_connection(HOST, to.port, local_addr=(self.address, 0), ssl=to.ssl)
        pause_s = _CONNECTIONS / self.per_second
        due = time.monotonic() + pause_s * number / _CONNECTIONS
        request = f"GET /api/job HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
        try:
            while due < end:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += pause_s
                writer.write(request)
                await self._read(reader)
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        body = await reader.readexactly(int(fields["content-length"]))
        status = int(head[9:12])
        self.statuses[status] += 1
        if status == 429:
            assert json.loads(body)["code"] == "too_many_requests"
            self.waits.append(int(fields["retry-after"]))

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())
