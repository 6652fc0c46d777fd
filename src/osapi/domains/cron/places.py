"""Where the files of a job are, and what its note says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osapi.domains.cron.models import Interval
from osapi.host.managed import ManagedFile

DEFAULT_USER = "root"
CRONTABS = "/etc/cron.d"
PROGRAMS = "/usr/local/lib/osapi/cron"
"""Where programs that are called by schedule are kept; /etc/cron.d holds lines, not programs."""


def crontab(name: str) -> str:
    """The file of lines for a job that runs by schedule."""
    return f"{CRONTABS}/{name}"


def program(name: str) -> str:
    """The program of a job that runs by schedule."""
    return f"{PROGRAMS}/{name}"


def periodic(name: str, interval: Interval) -> str:
    """The program of a job that runs once in an interval."""
    return f"/etc/cron.{interval.value}/{name}"


def candidates(name: str) -> list[str]:
    """Every file by which cron would know a job of this name."""
    return [crontab(name), *(periodic(name, interval) for interval in Interval)]


def folders() -> list[str]:
    """Where managed jobs are found."""
    return [f"{CRONTABS}/", *(f"/etc/cron.{interval.value}/" for interval in Interval)]


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A job as it was asked for. `schedule` and `interval`: the one that is empty or None is not meant.

    `user` None means that the uploaded lines say it; `runs_as` is who it is then.
    """

    schedule: str = ""
    interval: Interval | None = None
    user: str | None = None
    runs_as: str = DEFAULT_USER
    has_program: bool = False

    @property
    def metadata(self) -> Mapping[str, str]:
        """As the note about the file keeps it."""
        said = {"schedule": self.schedule, "interval": self.interval.value if self.interval else ""}
        return {
            **said,
            "user": self.user or "",
            "runs_as": self.runs_as,
            "program": "yes" if self.has_program else "",
        }


def noted(note: ManagedFile) -> Noted:
    """What a note says."""
    said = note.metadata
    interval = said.get("interval")
    return Noted(
        schedule=said.get("schedule", ""),
        interval=Interval(interval) if interval else None,
        user=said.get("user") or None,
        runs_as=said.get("runs_as", DEFAULT_USER),
        has_program=bool(said.get("program")),
    )
