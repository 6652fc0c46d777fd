"""What the process operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

PID_MAX = 4_194_304
"""Numbers end below this on 64 bits, see proc_sys_kernel(5)."""
SIGNALS = ("TERM", "KILL", "HUP", "INT", "USR1", "USR2", "QUIT", "STOP", "CONT")
SORTS = ("pid", "cpu", "memory", "start")

Pid = Annotated[int, Meta(description="Number of the process.", ge=1, le=PID_MAX, examples=[4711])]

Sample = Annotated[
    int,
    Meta(
        description="Milliseconds over which processor use is measured; 0 gives the mean since the process started.",
        ge=0,
        le=5000,
    ),
]

_ACCOUNT = r"^(?:[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?)?$(?!\n)"
_NAME = r"^[^\x00-\x1f\x7f]*$(?!\n)"

Name = Annotated[str, Meta(max_length=255, pattern=_NAME, examples=["nginx"])]


class ProcessKey(Struct, kw_only=True):
    """Names one process."""

    pid: Pid
    sample: Sample = 0


class ProcessFilter(Struct, kw_only=True):
    """Which processes to list, and in what order."""

    user: Annotated[
        str,
        Meta(description="Only processes of this account.", max_length=255, pattern=_ACCOUNT, examples=["www-data"]),
    ] = ""
    name: Annotated[Name, Meta(description="Only processes of exactly this name.")] = ""
    sort: Annotated[
        str,
        Meta(
            description="Order: `pid`, or the greatest `cpu` or `memory` or the latest `start` first.",
            pattern=rf"^(?:{'|'.join(SORTS)})$(?!\n)",
            extra_json_schema={"enum": list(SORTS)},
        ),
    ] = "pid"
    limit: Annotated[int, Meta(description="How many processes to list at most.", ge=1, le=10_000)] = 10_000
    sample: Sample = 0


class ProcessSignal(Struct, kw_only=True):
    """A signal to one process."""

    pid: Pid
    signal: Annotated[
        str,
        Meta(
            description=f"Signal to send: {', '.join(SIGNALS)}. See signal(7).",
            pattern=rf"^(?:{'|'.join(SIGNALS)})$(?!\n)",
            examples=["TERM"],
            extra_json_schema={"enum": list(SIGNALS)},
        ),
    ]
    name: Annotated[Name, Meta(description="Send it only if the process has this name. Default: any.")] = ""


class Process(Struct, kw_only=True, omit_defaults=True):
    """One process. What it keeps to itself is absent."""

    pid: Annotated[int, Meta(description="Number of the process.")]
    name: Annotated[str, Meta(description="Name of its program, without directories.")]
    user: Annotated[str, Meta(description="Account it runs as; the number of an account without a name.")] = ""
    state: Annotated[str, Meta(description="What it does: running, sleep, blocked, idle, stop, zombie or dead.")]
    cpu_percent: Annotated[
        float, Meta(description="Processor time used per time, 100 for one whole processor; see `sample`.")
    ]
    mem_percent: Annotated[float | None, Meta(description="Share of the memory of the host it holds, 0 to 100.")] = None
    mem_rss: Annotated[int | None, Meta(description="Resident memory in bytes.")] = None
    command: Annotated[
        str, Meta(description="Command line, words separated by blanks, at most 4096 characters. May hold secrets.")
    ] = ""
    start_time: Annotated[datetime | None, Meta(description="When it started.")] = None
    parent: Annotated[int, Meta(description="Number of its parent; 0 if it has none here.")]
    threads: Annotated[int, Meta(description="How many threads it has.")]
    unit: Annotated[str, Meta(description="Unit of systemd it belongs to, for example `ssh.service`.")] = ""


class ProcessList(Struct, kw_only=True):
    """Processes of a host."""

    processes: Annotated[list[Process], Meta(description="The processes that were asked for.")]
    total: Annotated[int, Meta(description="How many there are that fit, listed or not.")]


class ProcessReport(Struct, kw_only=True):
    """One process of a host."""

    process: Annotated[Process, Meta(description="The process.")]


class ProcessSignalled(Change, kw_only=True):
    """What became of a signal."""

    pid: Annotated[int, Meta(description="Number of the process.")]
    signal: Annotated[str, Meta(description="The signal.")]
