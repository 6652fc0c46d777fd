"""Which entries a request means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osapi.audit.block import Block, Row


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """Filters; those that are left out match everything.

    `equal` has the value that a counted field must have. `operation` is the name of an operation or its operationId.
    `path` also means everything below it. Times are seconds since the epoch, `since` included and `until` not.
    """

    equal: Mapping[str, Any] = field(default_factory=dict[str, Any])
    path: str | None = None
    job: bytes | None = None
    source_ip: str | None = None
    since: float | None = None
    until: float | None = None

    def count(self, block: Block) -> int | None:
        """How many rows of the block are meant, as far as that can be told without looking at them; None otherwise."""
        if (self.until is not None and block.first_time >= self.until) or (
            self.since is not None and block.last_time < self.since
        ):
            return 0
        counts = [block.counted(name, value) for name, value in self.equal.items()]
        if 0 in counts:
            return 0
        if len(counts) > 1 or not self._is_plain or not self._covers(block):
            return None
        return counts[0] if counts else len(block)

    def accepts(self, row: Row) -> bool:
        """Whether the row is meant."""
        return (
            all(getattr(row, name) == value for name, value in self.equal.items())
            and (self.path is None or row.path == self.path or row.path.startswith(f"{self.path.rstrip('/')}/"))
            and (self.job is None or row.job == self.job)
            and (self.source_ip is None or row.source_ip == self.source_ip)
            and (self.since is None or row.time >= self.since)
            and (self.until is None or row.time < self.until)
        )

    @property
    def _is_plain(self) -> bool:
        return self.path is None and self.job is None and self.source_ip is None

    def _covers(self, block: Block) -> bool:
        """Whether the time of every row of the block is meant."""
        return (self.since is None or block.first_time >= self.since) and (
            self.until is None or block.last_time < self.until
        )
