"""What chrony is told and what it says. Pure. See chronyc(1) and chrony.conf(5).

`chronyc -c` prints values with commas between them. A clock that is slow has a positive correction there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osapi.contract.errors import Permanent
from osapi.domains.ntp.models import NtpSource

DIRECTORY = "/etc/chrony/sources.d"
PATH = f"{DIRECTORY}/osapi-ntp.sources"
CONFIGURATION = "/etc/chrony/chrony.conf"

TRACKING = ("chronyc", "-c", "-N", "tracking")
SOURCES = ("chronyc", "-c", "-N", "sources", "-a")
"""`-N` names sources as they were configured, `-a` also those whose name has no address."""
RELOAD = ("chronyc", "reload", "sources")

_NEVER = 2**32 - 1
"""Seconds since the last answer of a source that has never answered."""
_KINDS = {"^": "server", "=": "peer", "#": "refclock"}
_STATES = {
    "*": "selected",
    "+": "combined",
    "-": "not combined",
    "x": "falseticker",
    "~": "too variable",
    "?": "unusable",
}


@dataclass(frozen=True)
class Tracking:
    """What chrony follows."""

    source: str
    stratum: int
    ahead_s: float
    is_synchronized: bool


def content(servers: Iterable[str]) -> bytes:
    """Our file: one server a line, asked in a burst at first, so that the time is right soon."""
    return "".join(f"server {server} iburst\n" for server in servers).encode()


def servers_in(found: bytes | None) -> list[str]:
    """The servers and pools of a file in that form."""
    lines = (line.split() for line in (found or b"").decode("utf-8", "replace").splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] in ("server", "pool", "peer")]


def reads_our_file(configuration: bytes | None) -> bool:
    """Whether a configuration has chrony read the directory of our file."""
    lines = (configuration or b"").decode("utf-8", "replace").splitlines()
    return any(
        re.fullmatch(rf"\s*sourcedir\s+(?:\S+\s+)*{DIRECTORY}/?(?:\s+\S+)*\s*", line, re.IGNORECASE) for line in lines
    )


def tracking(output: bytes) -> Tracking:
    """Read `chronyc -c tracking`. Raises `Permanent` for anything else."""
    fields = output.decode("utf-8", "replace").strip().split(",")
    try:
        source, stratum, slow_s, leap = fields[1], int(fields[2]), float(fields[4]), fields[13]
    except (IndexError, ValueError) as problem:
        raise Permanent(
            f"`chronyc -c tracking` printed something else than usual: {','.join(fields)[:200]!r}"
        ) from problem
    is_synchronized = leap != "Not synchronised"
    return Tracking(source if is_synchronized else "", stratum, -slow_s, is_synchronized)


def sources(output: bytes) -> list[NtpSource]:
    """Read `chronyc -c sources`. Raises `Permanent` for anything else."""
    return [_source(line) for line in output.decode("utf-8", "replace").splitlines()]


def names(found: Sequence[NtpSource]) -> list[str]:
    """Every source once; a pool without addresses stands for several."""
    return list(dict.fromkeys(source.name for source in found))


def seconds(ahead_s: float) -> str:
    """A difference of clocks with its sign, to the nanosecond."""
    return f"{ahead_s:+.9f}s"


def _source(line: str) -> NtpSource:
    fields = line.split(",")
    try:
        kind, state, name, stratum = _KINDS[fields[0]], _STATES[fields[1]], fields[2], int(fields[3])
        reach, last_s, measured_s = int(fields[5], 8), int(fields[6]), float(fields[8])
    except (IndexError, KeyError, ValueError) as problem:
        raise Permanent(f"`chronyc -c sources` printed something else than usual: {line[:200]!r}") from problem
    return NtpSource(
        name=name,
        kind=kind,
        state=state,
        reachable=reach > 0,
        stratum=stratum,
        offset="" if last_s == _NEVER else seconds(measured_s),
    )
