"""The journal of systemd, on any Linux that has it, read by journalctl(1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from osapi.contract.errors import NotFound
from osapi.contract.operation import Nothing
from osapi.domains.log import journal
from osapi.domains.log import since as times
from osapi.domains.log.following import Follower
from osapi.domains.log.models import LogEntries, LogQuery, LogSources, LogUnitEntries, LogUnitQuery
from osapi.domains.log.provider import LogProvider
from osapi.host.acting import failure_of
from osapi.host.door import Host
from osapi.host.program import Completed, TimedOut

OUTPUT_LIMIT = 16 * 1024 * 1024
"""Bytes of output that are looked at: 10,000 entries of usual length take about half of it."""
FOLLOW_LIMIT = 64 * 1024
"""Bytes of output that are kept while following; entries are passed on as they come."""
DEADLINE_S = 25.0
_JOURNALCTL = ("journalctl", "--no-pager", "--output=json", "--all", f"--output-fields={journal.FIELDS}")
"""`--all`, since it shows a long field as null otherwise."""
_NOTHING_READABLE = b"insufficient permissions"
_NOT_ALL_READABLE = b"not seeing messages from other users"


class LinuxLog:
    """Reads the journal."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def query(self, request: LogQuery, /) -> LogEntries:
        """The latest entries that fit the request."""
        return await self._entries(request)

    async def unit(self, request: LogUnitQuery, /) -> LogUnitEntries:
        """The latest entries of one unit, also of one that is gone. Raises `NotFound` when there is neither.

        One that is followed need not exist yet.
        """
        found = await self._entries(request, f"--unit={request.name}")
        known = bool(found.entries or found.followed)
        state = "" if known else await self._load_state(request.name)
        if state == "not-found" and not request.follow and not found.restricted:
            raise NotFound(
                f"there is no unit {request.name} on this host, and no entry of one in its journal that fits; osapi client "
                "node service list shows what there is"
            )
        return LogUnitEntries(
            entries=found.entries,
            restricted=found.restricted,
            truncated=found.truncated,
            followed=found.followed,
            unit_known=known or state not in ("", "not-found"),
        )

    async def sources(self, _: Nothing, /) -> LogSources:
        """Every identifier in the journal."""
        done = await self._journalctl(("journalctl", "--no-pager", "--field=SYSLOG_IDENTIFIER"))
        names, truncated = journal.sources(done.stdout, cut=done.truncated)
        return LogSources(sources=names, restricted=is_restricted(done), truncated=truncated)

    async def _entries(self, request: LogQuery, *which: str) -> LogEntries:
        now = self._host.now()
        done = await self._journalctl((*query_argv(request), *which))
        entries, truncated = journal.entries(done.stdout, cut=done.truncated, newest_first=bool(request.since))
        found = LogEntries(entries=entries, restricted=is_restricted(done), truncated=truncated)
        if not request.follow or done.exit_code != 0:
            return found
        began = entries[0].timestamp if entries else now
        return await self._follow((*follow_argv(request, began), *which), float(request.duration), found)

    async def _follow(self, argv: Sequence[str], seconds: float, found: LogEntries) -> LogEntries:
        """Pass entries on as they come until the time is over; whoever leaves earlier cancels the job."""
        follower = Follower(self._host.task.live)
        try:
            done = await self._host.run(argv, deadline_s=seconds, output_limit=FOLLOW_LIMIT, on_output=follower.hear)
        except TimedOut:
            return LogEntries(
                entries=[],
                restricted=found.restricted,
                truncated=found.truncated or follower.unreadable,
                followed=follower.count,
            )
        raise failure_of(done)

    async def _journalctl(self, argv: Sequence[str]) -> Completed:
        done = await self._host.run(argv, deadline_s=DEADLINE_S, output_limit=OUTPUT_LIMIT)
        if done.exit_code != 0 and _NOTHING_READABLE not in done.stderr:
            raise failure_of(done)
        return done

    async def _load_state(self, unit: str) -> str:
        """What systemd says, `not-found` for instance; empty when it does not answer."""
        done = await self._host.run(("systemctl", "show", "--property=LoadState", "--value", "--", unit))
        return done.stdout.decode().strip() if done.exit_code == 0 else ""


def query_argv(request: LogQuery) -> tuple[str, ...]:
    """How to ask journalctl for the latest entries. With a time it counts from there, unless it goes backwards."""
    since = (times.argument(request.since), "--reverse") if request.since else ()
    return (*_JOURNALCTL, f"--lines={request.lines}", *since, *_priority(request))


def follow_argv(request: LogQuery, began: datetime) -> tuple[str, ...]:
    """How to ask it for what there is from then on, and for what comes.

    By a time and without `--lines`: with that, journalctl of systemd 252 shows of several entries that come at
    once the last one only, when there was none before.
    """
    return (*_JOURNALCTL, "--no-tail", times.argument(began.isoformat()), *_priority(request), "--follow")


def _priority(request: LogQuery) -> tuple[str, ...]:
    return (f"--priority={request.priority}",) if request.priority else ()


def is_restricted(done: Completed) -> bool:
    """Whether journalctl says that it could not read everything. It has no other way to tell."""
    return _NOTHING_READABLE in done.stderr or _NOT_ALL_READABLE in done.stderr


def provider(host: Host) -> LogProvider:
    """A provider for one job."""
    return LinuxLog(host)
