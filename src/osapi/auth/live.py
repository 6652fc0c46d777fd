"""The key ring of a program that runs: read again when its file is another one, so that a rotation needs no restart."""

from __future__ import annotations

from pathlib import Path

from osapi.auth import keyring
from osapi.auth.keyring import KeyRing
from osapi.config import private
from osapi.contract.errors import Invalid
from osapi.telemetry.log import get_logger

LOOK_S = 1.0
"""How often the file is looked at, at most."""
_log = get_logger(__name__)


class LiveRing:
    """A ring that follows its file. A file that cannot be read leaves the ring as it was, and is told once.

    `generation` grows with every ring, so that who remembers what it verified knows when to forget.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = private.stamp(path)
        self._looked = 0.0
        self.ring = keyring.load(path)
        self.generation = 0

    def look(self, now: float) -> None:
        """Read the file if it is another than before. `now` in seconds; not more often than `LOOK_S`."""
        if abs(now - self._looked) < LOOK_S:
            return
        self._looked = now
        stamp = private.stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.ring = keyring.load(self._path)
        except Invalid as problem:
            _log.error("token.ring_unreadable", error=problem.message)
        else:
            self.generation += 1
            _log.info("token.ring_changed", kid=self.ring.current)


class FixedRing:
    """A ring that never changes, such as that of a setting."""

    generation = 0

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring

    def look(self, now: float) -> None:
        """There is nothing to look at."""
