"""What the service operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from osapi.contract.operation import Change

Name = Annotated[
    str,
    Meta(
        description="Unit of a service, with or without `.service`, as systemd.unit(5) names it.",
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9:_.@\\-]*$(?!\n)",
        examples=["nginx"],
    ),
]
OwnName = Annotated[
    str,
    Meta(
        description="Name of a service that OSAPI keeps: letters, digits, `.`, `_`, `@` and `-`. Its unit is `osapi-NAME.service`.",
        min_length=1,
        max_length=150,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*$(?!\n)",
        examples=["report"],
    ),
]
ObjectName = Annotated[
    str,
    Meta(
        description="Uploaded file with the unit, see systemd.service(5).",
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)",
        examples=["units/report.service"],
        extra={"flag": "object"},
    ),
]


class ServiceName(Struct, kw_only=True):
    """Names one service."""

    name: Name


class ServiceAction(Struct, kw_only=True):
    """Names the service to act on."""

    name: Name
    force: Annotated[
        bool, Meta(description="Also a service that the host, its network or OSAPI needs to be reached.")
    ] = False


class ServiceCreate(Struct, kw_only=True):
    """A unit to put in place."""

    name: OwnName
    object_name: ObjectName = field(name="object")
    adopt: Annotated[
        bool,
        Meta(description="Take the place of a file that OSAPI did not write; it is kept, and delete restores it."),
    ] = False


class ServiceUpdate(Struct, kw_only=True):
    """Another unit in place of a managed one."""

    name: OwnName
    object_name: ObjectName = field(name="object")
    restart: Annotated[bool, Meta(description="Restart the service if it runs and its unit has changed.")] = False


class ServiceDelete(Struct, kw_only=True):
    """Names a managed service."""

    name: OwnName


class ServiceInfo(Struct, kw_only=True, omit_defaults=True):
    """One service as systemd tells it, see org.freedesktop.systemd1(5)."""

    name: Annotated[str, Meta(description="Its unit.")]
    status: Annotated[
        str, Meta(description="`active`, `inactive`, `failed`, `activating`, `deactivating` or `reloading`.")
    ]
    enabled: Annotated[bool, Meta(description="Whether it is started at boot.")]
    description: Annotated[str, Meta(description="What the unit says about itself.")] = ""
    pid: Annotated[int, Meta(description="Its main process; absent when it has none.")] = 0
    load: Annotated[str, Meta(description="`loaded`, `masked`, or what is wrong with the unit.")] = ""
    sub_state: Annotated[str, Meta(description="The state in detail, such as `running` or `exited`.")] = ""
    unit_file_state: Annotated[str, Meta(description="`enabled`, `disabled`, `static`, `masked` and others.")] = ""
    result: Annotated[str, Meta(description="How the last run ended, `success` or why not. Not in lists.")] = ""
    exit_status: Annotated[int | None, Meta(description="Exit status of the last main process. Not in lists.")] = None
    restarts: Annotated[int, Meta(description="How often systemd has restarted it. Not in lists.")] = 0
    memory_bytes: Annotated[int | None, Meta(description="Memory it uses, where that is counted. Not in lists.")] = None
    tasks: Annotated[int | None, Meta(description="Its processes and threads. Not in lists.")] = None
    since: Annotated[datetime | None, Meta(description="Since when it is active. Not in lists.")] = None
    path: Annotated[str, Meta(description="File of the unit. Not in lists.")] = ""
    managed: Annotated[bool, Meta(description="Whether OSAPI keeps the unit.")] = False


class Services(Struct, kw_only=True):
    """All services of a host."""

    services: Annotated[list[ServiceInfo], Meta(description="The services, by unit.")]


class Service(Struct, kw_only=True):
    """One service."""

    service: Annotated[ServiceInfo, Meta(description="What systemd says of it.")]


class ServiceChange(Change, kw_only=True, omit_defaults=True):
    """What became of a service."""

    name: Annotated[str, Meta(description="Its unit.")]
    state: Annotated[str, Meta(description="Its state after the operation; in check mode, before it.")] = ""
