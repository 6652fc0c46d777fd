"""The ends of a program's standard streams that stay with us, served by the event loop.

Plain descriptors and `add_reader`, not transports: what the program writes is read at once and kept in
bounded memory, so a program that writes for ever neither blocks nor fills ours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from osapi.host.output import Capture

_PIECE = 1 << 16
_PIECES = 16


class OutputPipe:
    """Reads one stream of a program to its end."""

    def __init__(
        self, limit: int, heard: Callable[[bytes], Coroutine[Any, Any, None] | None] | None, ended: Callable[[], None]
    ) -> None:
        """`heard` is told each piece and may hold up the reading, `ended` once that nobody holds the other end any more."""
        self.capture = Capture(limit)
        self._holds: set[asyncio.Task[None]] = set()
        self._heard = heard
        self._ended = ended
        self._ours, self.theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._ours, False)
        self._open = True

    def start(self) -> None:
        """Begin to read; `theirs` has been given away and is closed here."""
        os.close(self.theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._on_readable)

    def take_rest(self) -> None:
        """Read what is in the pipe now, without waiting for more; at most as much as a large pipe holds."""
        for _ in range(_PIECES):
            if not self._open or not self._read():
                break

    def abandon(self) -> None:
        """Close both ends: there will be no program."""
        os.close(self.theirs)
        self.close()

    def close(self) -> None:
        """Stop reading. A second call does nothing."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._ours)
            os.close(self._ours)
            for hold in self._holds:
                hold.cancel()

    @property
    def is_open(self) -> bool:
        return self._open

    def _on_readable(self) -> None:
        self._read()

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self.close()
            self._ended()
            return False
        self.capture.add(piece)
        if self._heard is not None and (until := self._heard(piece)) is not None:
            self._hold(until)
        return True

    def _hold(self, until: Coroutine[Any, Any, None]) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._ours)
        hold = loop.create_task(until)
        self._holds.add(hold)
        hold.add_done_callback(self._go_on)

    def _go_on(self, hold: asyncio.Task[None]) -> None:
        self._holds.discard(hold)
        if self._open and not self._holds:
            asyncio.get_running_loop().add_reader(self._ours, self._on_readable)


class InputPipe:
    """Writes given bytes to a program's standard input, as fast as it takes them, and closes it."""

    def __init__(self, content: bytes) -> None:
        self._rest = memoryview(content)
        self.theirs, self._ours = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._ours, False)
        self._open = True

    def start(self) -> None:
        """Begin to write; `theirs` has been given away and is closed here."""
        os.close(self.theirs)
        asyncio.get_running_loop().add_writer(self._ours, self._on_writable)

    def abandon(self) -> None:
        """Close both ends: there will be no program."""
        os.close(self.theirs)
        self.close()

    def close(self) -> None:
        """Stop writing. A second call does nothing."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_writer(self._ours)
            os.close(self._ours)

    def _on_writable(self) -> None:
        try:
            self._rest = self._rest[os.write(self._ours, self._rest[:_PIECE]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # the program does not want the rest
            self.close()
            return
        if not self._rest:
            self.close()
