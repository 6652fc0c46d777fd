"""What the ntp operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
SERVER = (
    rf"^(?:{_LABEL}(?:\.{_LABEL})*|[0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:]*(?:[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})?)$(?!\n)"
)
"""A host name (RFC 1123, 2.1), or what can be an address of IPv4 or IPv6."""

Server = Annotated[str, Meta(min_length=1, max_length=253, pattern=SERVER)]

Servers = Annotated[
    list[Server],
    Meta(
        description="Names or addresses of NTP servers, each once.",
        min_length=1,
        max_length=32,
        examples=[["ntp1.example.org", "192.0.2.1"]],
    ),
]


class _Wanted(Struct, kw_only=True):
    servers: Servers

    def __post_init__(self) -> None:
        twice = sorted({server for server in self.servers if self.servers.count(server) > 1})
        if twice:
            raise ValueError(f"servers: {twice[0]!r} stands twice; name each once")


class NtpCreate(_Wanted, kw_only=True):
    """Servers for a host that has none of OSAPI's yet."""

    replace: Annotated[bool, Meta(description="Set them also when OSAPI already manages others.")] = False
    adopt: Annotated[bool, Meta(description="Take over a file of the same name that OSAPI did not write.")] = False


class NtpUpdate(_Wanted, kw_only=True):
    """Other servers in place of those that OSAPI manages."""


class NtpSource(Struct, kw_only=True, omit_defaults=True):
    """One source of time, as chrony sees it."""

    name: Annotated[str, Meta(description="Name or address as it was configured.")]
    kind: Annotated[str, Meta(description="`server`, `peer` or `refclock`.")]
    state: Annotated[
        str,
        Meta(
            description="`selected`, `combined`, `not combined`, `falseticker`, `too variable`, or `unusable` while it does not answer."
        ),
    ]
    reachable: Annotated[bool, Meta(description="Whether it has answered any of the last eight times.")]
    stratum: Annotated[int, Meta(description="Its distance from a clock; 0 while that is not known.")]
    offset: Annotated[
        str, Meta(description="By how much our clock was ahead of it at the last measurement; absent before.")
    ] = ""


class NtpStatus(Struct, kw_only=True, omit_defaults=True):
    """Whether the clock of a host is right, and by whom."""

    synchronized: Annotated[bool, Meta(description="Whether chrony follows a source.")]
    stratum: Annotated[int, Meta(description="Distance of the host from a clock; 0 while it is not synchronized.")]
    servers: Annotated[list[str], Meta(description="Every source in use, whoever configured it.")]
    offset: Annotated[
        str,
        Meta(description="By how much the clock is ahead of the time as chrony knows it; absent while it knows none."),
    ] = ""
    current_source: Annotated[str, Meta(description="The source that is followed; absent while there is none.")] = ""
    managed: Annotated[list[str], Meta(description="Servers that OSAPI has set.")] = []
    sources: Annotated[list[NtpSource], Meta(description="What chrony says of each source.")] = []


class NtpChange(Change, kw_only=True):
    """What became of the servers."""

    servers: Annotated[list[str], Meta(description="Servers that OSAPI manages from now on; none after `delete`.")]
