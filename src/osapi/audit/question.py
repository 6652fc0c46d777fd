"""A request on its way in, and its trail, as whoever serves it sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from osapi.contract.trail import NoTrail, Trail


class Bearer(Protocol):
    """Who asks, once the token was found to be good."""

    @property
    def subject(self) -> str: ...

    @property
    def roles(self) -> tuple[str, ...]: ...

    @property
    def token_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came in; `changes` tells whether it asks for a change, by what its route declares."""

    method: str
    path: str
    query: str
    operation_id: str
    changes: bool
    source_ip: str
    request_id: str
    trace_id: str


class OpenTrail(Trail, Protocol):
    """A trail as whoever begins and ends it sees it."""

    def identified(self, bearer: Bearer, /) -> None: ...

    def close(self, status: int, code: str = "", job_id: str = "") -> None: ...


class Untold(NoTrail):
    """The trail of a request when there is no audit."""

    def identified(self, bearer: Bearer, /) -> None: ...

    def close(self, status: int, code: str = "", job_id: str = "") -> None: ...


class NoAudit:
    """Stands for the audit when the settings say that there is none."""

    def begin(self, _: Question, /) -> OpenTrail:
        """A trail that leaves nothing."""
        return _UNTOLD


_UNTOLD = Untold()
NO_AUDIT = NoAudit()
