"""What the timezone operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

ZONE = r"^(?!-)[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,3}$(?!\n)"


class Timezone(Struct, kw_only=True, omit_defaults=True):
    """The time zone of a host."""

    timezone: Annotated[
        str, Meta(description="Name of the zone in the tz database; empty when /etc/localtime names none.")
    ]
    utc_offset: Annotated[
        str, Meta(description="Difference from UTC now, for example `+02:00`; absent when the zone is not installed.")
    ] = ""


class TimezoneUpdate(Struct, kw_only=True):
    """Another time zone for a host."""

    timezone: Annotated[
        str,
        Meta(
            description="Name of a zone in the tz database of the host, below /usr/share/zoneinfo.",
            min_length=1,
            max_length=128,
            pattern=ZONE,
            examples=["Europe/Berlin"],
        ),
    ]


class TimezoneChange(Change, kw_only=True):
    """What became of the time zone."""

    timezone: Annotated[str, Meta(description="Name of the zone that was asked for.")]
    note: Annotated[str, Meta(description="What an operator should know about it; empty when nothing.")] = ""
