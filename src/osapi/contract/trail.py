"""What a request leaves behind in the audit, as far as those need to know who carry it out.

Whoever is about to change something says so first and goes on when that is stored; who asked, from where, and how it
ended is known to whoever made the trail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from osapi.contract.ids import JobId, MachineId


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A job that is about to be stored. `hosts` are those that must answer, by machine id; none for `_any`."""

    job_id: JobId
    operation: str
    target: str
    hosts: Mapping[MachineId, str]
    request: msgspec.Struct
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class HostCounts:
    """How the hosts of a request fared: how many in each state, and the names of those that did not do it."""

    states: Mapping[str, int] = field(default_factory=dict[str, int])
    failed: Sequence[str] = ()


class Trail(Protocol):
    """The trail of one request."""

    async def about_to_change(self, request: msgspec.Struct) -> None:
        """Return when it is stored that this request is about to be carried out; a second call tells more of it.

        Raises `Unavailable` when it cannot be stored; then nothing may be done. For what only reads it does nothing.
        """
        ...

    async def about_to_submit(self, errand: Errand) -> None:
        """The same for a job."""
        ...

    def answered(self, counts: HostCounts) -> None:
        """Note how the hosts fared, for the outcome."""
        ...


class NoTrail:
    """Leaves nothing behind: for what nobody asked for over the API."""

    async def about_to_change(self, request: msgspec.Struct) -> None: ...

    async def about_to_submit(self, errand: Errand) -> None: ...

    def answered(self, counts: HostCounts) -> None: ...


NO_TRAIL = NoTrail()
