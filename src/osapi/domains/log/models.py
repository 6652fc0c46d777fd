"""What the log operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Followed
from osapi.domains.log import since as times

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""By their number, see syslog(3)."""


class LogQuery(Followed, kw_only=True):
    """Which entries of the journal to show."""

    lines: Annotated[int, Meta(description="How many entries at most, the latest ones.", ge=1, le=10000)] = 100
    since: Annotated[
        str,
        Meta(
            description="Only entries from then on: a span such as `1h`, `90 min` or `2 days ago`; `today`, `yesterday`; "
            "`2026-01-31`, `2026-01-31 10:00` in the zone of the host; RFC 3339; `@` and seconds since 1970.",
            max_length=64,
            pattern=times.PATTERN,
            examples=["1h"],
        ),
    ] = ""
    priority: Annotated[
        str,
        Meta(
            description=f"Only entries of this priority or a more urgent one: {', '.join(PRIORITIES)}.",
            pattern=rf"^(?:{'|'.join(PRIORITIES)})?$(?!\n)",
            examples=["err"],
        ),
    ] = ""

    def __post_init__(self) -> None:
        times.check(self.since)


class LogUnitQuery(LogQuery, kw_only=True):
    """Which entries of one unit to show."""

    name: Annotated[
        str,
        Meta(
            description="Unit of systemd; without a suffix, a service.",
            min_length=1,
            max_length=255,
            pattern=r"^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*$(?!\n)",
            examples=["ssh.service"],
        ),
    ]


class LogEntry(Struct, kw_only=True, omit_defaults=True):
    """One entry of the journal."""

    timestamp: Annotated[datetime, Meta(description="When the journal received it, in UTC.")]
    message: Annotated[
        str,
        Meta(description="Text; bytes that are not UTF-8 are shown as U+FFFD, a very long one without its middle."),
    ]
    unit: Annotated[
        str,
        Meta(
            description="Unit that it comes from or is about; for what has no unit, such as the kernel, `identifier`."
        ),
    ] = ""
    identifier: Annotated[str, Meta(description="Name the program gave itself, for example `sshd`.")] = ""
    priority: Annotated[str, Meta(description="Priority by name, for example `warning`.")] = ""
    pid: Annotated[int | None, Meta(description="Process that wrote it; left out when there is none.")] = None
    hostname: Annotated[str, Meta(description="Name the host had then.")] = ""


class LogEntries(Struct, kw_only=True, omit_defaults=True):
    """Entries of the journal, the oldest first."""

    entries: Annotated[list[LogEntry], Meta(description="Entries, the oldest first.")]
    restricted: Annotated[
        bool, Meta(description="Whether the agent may not read the whole journal, so that entries can be missing.")
    ] = False
    truncated: Annotated[
        bool,
        Meta(
            description="Whether older entries were left out because the answer would be too long, or one was unreadable."
        ),
    ] = False
    followed: Annotated[
        int, Meta(description="How many entries were told as events while they came; `entries` is empty then.")
    ] = 0


class LogUnitEntries(LogEntries, kw_only=True):
    """Entries of one unit, the oldest first."""

    unit_known: Annotated[bool, Meta(description="Whether the host has such a unit, or at least entries of it.")]


class LogSources(Struct, kw_only=True, omit_defaults=True):
    """Who has written to the journal."""

    sources: Annotated[list[str], Meta(description="Identifiers that occur in the journal, sorted.")]
    restricted: Annotated[bool, Meta(description="Whether the agent may not read the whole journal.")] = False
    truncated: Annotated[bool, Meta(description="Whether some were left out because there are too many.")] = False
