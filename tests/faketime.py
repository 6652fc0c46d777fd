"""Programs that see another time than the rest of the machine; see faketime(1)."""

from __future__ import annotations

from pathlib import Path


class Shift:
    """The difference, in seconds, which can be changed while the program runs. `file` is where it is kept."""

    def __init__(self, file: Path, seconds: int) -> None:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")  # Debian's package libfaketime
        self._file = file
        self.set(seconds)
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        """What the program is to be started with."""

    def set(self, seconds: int) -> None:
        """From now on the program's clock is ahead by so many; negative: behind. It never reads half of it."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)
