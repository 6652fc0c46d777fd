"""What every measurement is given: how thorough to be, and where to put files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """`quick` measures less of everything, for a look; the figures are then noisier."""

    folder: Path
    quick: bool

    def count(self, full: int, quick: int) -> int:
        """How often, or how many."""
        return quick if self.quick else full
