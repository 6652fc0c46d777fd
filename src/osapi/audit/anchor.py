"""A controller's own memory of where the chain ended, in a file that the broker cannot touch."""

from __future__ import annotations

from pathlib import Path

import msgspec

from osapi.audit.record import Place
from osapi.config import private
from osapi.contract.errors import Invalid
from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


class Anchor:
    """The file. What it says is compared with the stream at the next start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Place | None = None

    def read(self) -> Place | None:
        """Where the chain was last known to end. None when there is no file, or it cannot be read."""
        if not self._path.exists():
            return None
        try:
            self._written = msgspec.json.decode(private.read(self._path), type=Place)
        except (Invalid, msgspec.DecodeError) as problem:
            _log.warning("audit.anchor_unreadable", path=str(self._path), error=str(problem))
        return self._written

    def write(self, place: Place) -> None:
        """Remember this place. Blocks until it is on disk; writes nothing when it is there already."""
        if place == self._written or not place.sequence:
            return
        try:
            private.private_dir(self._path.parent)
            private.replace(self._path, msgspec.json.encode(place))
            self._written = place
        except Invalid as problem:
            _log.warning("audit.anchor_unwritten", path=str(self._path), error=problem.message)
