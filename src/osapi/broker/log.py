"""nats-server's log, passed on as events of ours."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque

from osapi.telemetry.log import Logger

_LINE = re.compile(r"\[\d+\] \[(?P<level>[A-Z]{3})\] ?(?P<text>.*)", re.ASCII)
_LEVELS = {"INF": logging.INFO, "WRN": logging.WARNING, "ERR": logging.ERROR, "FTL": logging.ERROR}
_LAST_WORDS = 20


class ServerLog:
    """Reads the log of one run. What the server tells about its start and its stop counts as debug."""

    def __init__(self, log: Logger) -> None:
        self._busy = False
        self._log = log
        self._complaints: deque[str] = deque(maxlen=_LAST_WORDS)

    def speak(self) -> None:
        """The server is ready: from now on its information is ours."""
        self._busy = True

    def quiet(self) -> None:
        """The server is told to stop."""
        self._busy = False

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Pass on every line until the server has gone."""
        while line := await _line(stream):
            self.take(line.decode(errors="replace").rstrip())

    def take(self, line: str) -> None:
        """Pass on one line."""
        match = _LINE.fullmatch(line)
        level, text = (_LEVELS.get(match["level"], logging.DEBUG), match["text"]) if match else (logging.WARNING, line)
        if not text.strip():
            return
        if level > logging.INFO:
            self._complaints.append(text)
        elif not self._busy:
            level = logging.DEBUG
        self._log.at(level, "broker.server", text=text.strip())

    @property
    def last_complaint(self) -> str:
        """The last warning or error; empty when there was none."""
        return self._complaints[-1] if self._complaints else ""


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line; a longer one comes in pieces. Empty at the end."""
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:
        return await stream.readexactly(overrun.consumed)
