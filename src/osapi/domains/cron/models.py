"""What the cron operations take and answer."""

from __future__ import annotations

import enum
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from osapi.contract.files import ContentType, Variables
from osapi.contract.operation import VERBATIM, Change
from osapi.domains.cron import grammar

Name = Annotated[
    str,
    Meta(
        description="Name of the job and of its file: letters, digits, `_` and `-`, as cron and run-parts(8) read them.",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$(?!\n)",
        examples=["backup"],
    ),
]
ObjectName = Annotated[
    str,
    Meta(
        description="Uploaded file with what is to run: a program that begins with `#!`, one line of shell, or lines of "
        "crontab(5) for /etc/cron.d.",
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        examples=["jobs/backup.sh"],
        extra={"flag": "object"},
    ),
]
_WHEN = (
    "When it runs: minute, hour, day of month, month and day of week as in crontab(5), or a word such as `@daily`. "
    "Replaces the times in the uploaded lines."
)
Schedule = Annotated[
    str,
    Meta(
        description=_WHEN,
        max_length=200,
        pattern=rf"^{grammar.TIME}$(?!\n)",
        examples=["30 4 * * mon-fri"],
    ),
]
User = Annotated[
    str,
    Meta(
        description="Account that it runs as.",
        min_length=1,
        max_length=32,
        pattern=r"^[a-z_][a-z0-9_-]*\$?$(?!\n)",
        examples=["www-data"],
    ),
]


class Interval(enum.Enum):
    """The folders of Debian whose programs run once in a while, see /etc/crontab."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class CronName(Struct, kw_only=True):
    """Names one job."""

    name: Name


class CronCreate(Struct, kw_only=True):
    """A job to run by schedule, or once in an interval."""

    name: Name
    object_name: ObjectName = field(name="object")
    schedule: Annotated[Schedule | None, Meta(description=_WHEN)] = None
    interval: Annotated[
        Interval | None, Meta(description="Run it once an hour, day, week or month, as root, instead of by schedule.")
    ] = None
    user: Annotated[
        User | None, Meta(description="Account that it runs as. Default: as the uploaded lines say, else root.")
    ] = None
    content_type: Annotated[
        ContentType | None,
        Meta(description="`template` is rendered on the host, `raw` is taken as it is. Default: as it was uploaded."),
    ] = None
    variables: Variables = field(name="vars", default_factory=dict[str, Any])
    adopt: Annotated[
        bool,
        Meta(description="Take the place of a file that OSAPI did not write; it is kept, and delete restores it."),
    ] = False

    def __post_init__(self) -> None:
        if (self.schedule is None) is (self.interval is None):
            raise ValueError("schedule, interval: give exactly one of them")
        if self.interval is not None and self.user is not None:
            raise ValueError("user: what runs once in an interval runs as root; give a schedule to choose the user")


class CronUpdate(Struct, kw_only=True):
    """What to change of a job; what is left out stays as it is."""

    name: Name
    object_name: Annotated[
        ObjectName | None, Meta(description="Uploaded file to run instead.", extra={"flag": "object"})
    ] = field(name="object", default=None)
    schedule: Annotated[Schedule | None, Meta(description=_WHEN)] = None
    user: Annotated[User | None, Meta(description="Account that it runs as.")] = None
    content_type: Annotated[
        ContentType | None, Meta(description="`template` is rendered on the host, `raw` is taken as it is.")
    ] = None
    variables: Annotated[
        dict[str, Any] | None,
        Meta(
            description="What a template may speak of as `vars`; given as NAME=VALUE.",
            extra={"flag": "var", VERBATIM: "values for the caller's own template"},
        ),
    ] = field(name="vars", default=None)

    def __post_init__(self) -> None:
        given = (self.object_name, self.schedule, self.user, self.content_type, self.variables)
        if all(one is None for one in given):
            raise ValueError("object, schedule, user, content_type, vars: give at least one of them")


class CronEntry(Struct, kw_only=True, omit_defaults=True):
    """A job that OSAPI keeps."""

    name: Annotated[str, Meta(description="Name of the job.")]
    object: Annotated[str, Meta(description="Uploaded file that it was made from.")]
    schedule: Annotated[str, Meta(description="When it runs; absent for an interval.")] = ""
    interval: Annotated[Interval | None, Meta(description="How often it runs; absent for a schedule.")] = None
    source: Annotated[str, Meta(description="`cron.d`, or the interval whose folder it is in.")]
    user: Annotated[str, Meta(description="Account that it runs as.")]
    path: Annotated[str, Meta(description="Its file on the host.")]
    in_sync: Annotated[bool, Meta(description="Whether its files are as OSAPI wrote them.")]


class CronChange(Change, kw_only=True):
    """What became of a job."""

    name: Annotated[str, Meta(description="Name of the job.")]
