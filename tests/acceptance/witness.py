"""What the system tells about one host from a moment on: the agent itself, its timeline, the audit.

A test makes a `Witness`, lets something happen, and asks what was told. Whatever else tells of events (a
receiver of messages, for instance) belongs here as one more method, so that every test can ask it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.acceptance.fleet import Fleet, eventually


@dataclass(frozen=True)
class Witness:
    """Looks at host `number` of the bed; `began` is when it started to look."""

    fleet: Fleet
    number: int
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    before: int = -1
    """How many messages had been sent until then."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", len(self.fleet.told.got))

    @property
    def name(self) -> str:
        """What the host is called now."""
        return self.fleet.bed("enter", self.number, "hostname")

    def agent(self) -> dict[str, Any]:
        """The agent as the API shows it."""
        found: dict[str, Any] = self.fleet.client("agent", "get", "--hostname", self.name).json
        return found

    def timeline(self) -> list[str]:
        """The names of what was noted about the agent since, oldest first."""
        return [one["event"] for one in self.agent().get("timeline", []) if _moment(one["timestamp"]) >= self.began]

    def condition(self, kind: str) -> dict[str, Any]:
        """One condition; nothing when it is not known."""
        return next((one for one in self.agent().get("conditions", []) if one["type"] == kind), {})

    def holds(self, kind: str) -> bool:
        """Whether a condition holds."""
        return bool(self.condition(kind).get("status"))

    def notices(self) -> list[str]:
        """What was told about this host since, to whoever is notified, oldest first: `unreachable`, `HighLoad resolved`."""
        return [said for one in self.fleet.told.got[self.before :] for said in _said_of(self.name, one["message"])]

    def audited(self, kind: str = "change") -> list[tuple[str, int]]:
        """Operation and status of every entry of that kind since, oldest first."""
        since = self.began.isoformat().replace("+00:00", "Z")
        items = self.fleet.client("audit", "list", "--kind", kind, "--since", since, "--limit", "100").json["items"]
        return [(one["operation_id"], one["response_code"]) for one in reversed(items)]

    def after(self, holds: Callable[[], object], what: str, within_s: float = 60.0) -> float:
        """Wait until it is so; returns the seconds that took, to a tenth."""
        began = time.monotonic()
        eventually(holds, what, within_s)
        return round(time.monotonic() - began, 1)


def _said_of(name: str, text: str) -> list[str]:
    """The headings of a message under which a host is named; a line below a heading begins with two blanks."""
    found: list[str] = []
    heading = ""
    for line in text.splitlines():
        if not line.startswith("  "):
            heading = line.partition(":")[0]
        elif line[2:].startswith((f"{name}:", f"{name} (")):
            found.append(heading)
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
