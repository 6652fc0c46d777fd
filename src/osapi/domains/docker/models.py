"""What the operations on containers take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change, Followed, Timed
from osapi.domains.docker import notation, references
from osapi.domains.docker import since as times

STATES = ("running", "stopped", "all")

Id = Annotated[
    str,
    Meta(
        description="Container, by its name, its id or the beginning of its id.",
        min_length=1,
        max_length=255,
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$(?!\n)",
        examples=["web"],
    ),
]

Image = Annotated[
    str,
    Meta(
        description="Image as [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@DIGEST; without a tag, `latest`.",
        min_length=1,
        max_length=512,
        pattern=r"^[A-Za-z0-9\[][A-Za-z0-9._/:@\[\]-]*$(?!\n)",
        examples=["registry.example:5000/team/web:1.2"],
    ),
]

Word = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""Any text without NUL, which no argument of a program can hold."""

Words = Annotated[list[Word], Meta(max_length=4096)]

Directory = Annotated[str, Meta(max_length=4096, pattern=r"^(?:/[^\x00-\x1f\x7f]*)?$(?!\n)", examples=["/srv/app"])]

Account = Annotated[
    str,
    Meta(
        max_length=255,
        pattern=r"^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?)?$(?!\n)",
        examples=["www-data"],
    ),
]

Variables = Annotated[list[str], Meta(max_length=1024, examples=[["TZ=Europe/Berlin"]])]


class ContainerFilter(Struct, kw_only=True):
    """Which containers to list."""

    state: Annotated[
        str,
        Meta(
            description="Which ones: `running`, those whose processes run; `stopped`, all others, also paused and new "
            "ones; or `all`.",
            pattern=rf"^(?:{'|'.join(STATES)})$(?!\n)",
            extra_json_schema={"enum": list(STATES)},
        ),
    ] = "all"
    limit: Annotated[int, Meta(description="How many to list at most, the newest first.", ge=1, le=100)] = 20


class ContainerKey(Struct, kw_only=True):
    """Names one container."""

    id: Id


class ContainerCreate(Struct, kw_only=True):
    """A container to make."""

    image: Image
    name: Annotated[
        str,
        Meta(
            description="Name of the container. Default: one that the engine makes up, so that each call makes another.",
            max_length=255,
            pattern=r"^(?:[a-zA-Z0-9][a-zA-Z0-9_.-]+)?$(?!\n)",
            examples=["web"],
        ),
    ] = ""
    hostname: Annotated[
        str,
        Meta(
            description="Host name inside. Default: the beginning of its id.",
            max_length=253,
            pattern=r"^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)?$(?!\n)",
            examples=["web"],
        ),
    ] = ""
    dns: Annotated[list[str], Meta(description="Addresses of its name servers. Default: as the engine is set.")] = []
    command: Annotated[
        Words,
        Meta(description="Program to run with its arguments. Default: that of the image.", examples=[["sleep", "60"]]),
    ] = []
    env: Annotated[Variables, Meta(description="Variables of its environment, each as NAME=VALUE.")] = []
    ports: Annotated[
        list[str],
        Meta(
            description="Ports to publish, each as [ADDRESS:]HOST:CONTAINER[/PROTOCOL]; both may be ranges, the protocol "
            "tcp, udp or sctp.",
            max_length=1024,
            examples=[["127.0.0.1:8080:80/tcp"]],
            extra={"flag": "port"},
        ),
    ] = []
    volumes: Annotated[
        list[str],
        Meta(
            description="What of the host it sees, each as SOURCE:TARGET[:ro]; SOURCE is a path that exists or the "
            "name of a volume, which is made when it does not exist.",
            max_length=1024,
            examples=[["/srv/data:/data:ro"]],
            extra={"flag": "volume"},
        ),
    ] = []
    labels: Annotated[
        list[str],
        Meta(
            description="Labels, each as KEY=VALUE.", max_length=1024, examples=[["team=web"]], extra={"flag": "label"}
        ),
    ] = []
    restart: Annotated[
        str,
        Meta(
            description="When the engine starts it again by itself: `no`, `always`, `unless-stopped`, `on-failure` or "
            "`on-failure:TIMES`.",
            pattern=r"^(?:no|always|unless-stopped|on-failure(?::[1-9][0-9]{0,5})?)$(?!\n)",
            examples=["unless-stopped"],
        ),
    ] = "no"
    user: Annotated[
        Account, Meta(description="Account inside to run as, by name or number, with `:GROUP`. Default: the image's.")
    ] = ""
    working_dir: Annotated[Directory, Meta(description="Directory inside to start in. Default: the image's.")] = ""
    auto_start: Annotated[bool, Meta(description="Start it when it is made.")] = True

    def __post_init__(self) -> None:
        references.parse(self.image)
        notation.addresses(self.dns)
        notation.variables(self.env)
        notation.ports(self.ports)
        notation.volumes(self.volumes)
        notation.labels(self.labels)


class ContainerStop(Struct, kw_only=True):
    """A container to stop or to restart."""

    id: Id
    timeout: Annotated[
        Annotated[int, Meta(ge=0, le=300)] | None,
        Meta(
            description="Seconds it gets to end by itself before it is killed. Default: what it was made with, 10 "
            "unless that says otherwise."
        ),
    ] = None


class ContainerRemove(Struct, kw_only=True):
    """A container to remove."""

    id: Id
    force: Annotated[bool, Meta(description="Kill it first if it runs.")] = False
    volumes: Annotated[bool, Meta(description="Remove its volumes without a name too. Default: they stay.")] = False


class ContainerExec(Timed, kw_only=True):
    """A program to run inside a container that runs."""

    id: Id
    command: Annotated[
        Words, Meta(description="Program and its arguments, passed exactly as given.", min_length=1, examples=[["id"]])
    ]
    env: Annotated[Variables, Meta(description="Variables added to those of the container, each as NAME=VALUE.")] = []  # noqa: RUF012 - a struct copies its defaults
    working_dir: Annotated[Directory, Meta(description="Directory inside to run in. Default: the container's.")] = ""
    user: Annotated[Account, Meta(description="Account inside to run as. Default: the container's.")] = ""
    timeout: Annotated[
        int, Meta(description="Seconds it may take; then it and all it started are killed.", ge=1, le=300)
    ] = 30

    def __post_init__(self) -> None:
        if not self.command[0]:
            raise ValueError("command: the first word is empty; it names the program")
        notation.variables(self.env)


class ContainerLogQuery(Followed, kw_only=True):
    """Which part of what a container has written to show."""

    id: Id
    tail: Annotated[int, Meta(description="How many lines at most, the latest ones.", ge=1, le=10000)] = 100
    since: Annotated[
        str,
        Meta(
            description="Only lines from then on: a span such as `90s`, `10m`, `2h` or `3d`, or RFC 3339 with zone.",
            max_length=40,
            pattern=times.PATTERN,
            examples=["10m"],
        ),
    ] = ""

    def __post_init__(self) -> None:
        times.check(self.since)


class ContainerSummary(Struct, kw_only=True, omit_defaults=True):
    """One container in a list."""

    id: Annotated[str, Meta(description="Id of the container.")]
    name: Annotated[str, Meta(description="Name of the container.")]
    image: Annotated[str, Meta(description="Image as it was named when the container was made.")]
    state: Annotated[str, Meta(description="created, running, paused, restarting, removing, exited or dead.")]
    created: Annotated[datetime | None, Meta(description="When it was made.")] = None


class ContainerList(Struct, kw_only=True):
    """Containers of a host."""

    containers: Annotated[list[ContainerSummary], Meta(description="Containers, the newest first.")]
    total: Annotated[int, Meta(description="How many there are in the states asked for, listed or not.")]


class ContainerNetwork(Struct, kw_only=True, omit_defaults=True):
    """A network that a container is connected to."""

    name: Annotated[str, Meta(description="Name of the network.")]
    ip_address: Annotated[str, Meta(description="Its address there; absent while it does not run.")] = ""
    gateway: Annotated[str, Meta(description="Gateway of the network.")] = ""
    ipv6_address: Annotated[str, Meta(description="Its IPv6 address there.")] = ""
    mac_address: Annotated[str, Meta(description="Its MAC address there.")] = ""


class ContainerDetail(ContainerSummary, kw_only=True, omit_defaults=True):
    """One container."""

    image_id: Annotated[str, Meta(description="Id of its image.")] = ""
    command: Annotated[list[str], Meta(description="What it runs.")] = []
    ports: Annotated[list[str], Meta(description="Published ports as [ADDRESS:]HOST:CONTAINER/PROTOCOL.")] = []
    mounts: Annotated[list[str], Meta(description="What of the host it sees, as SOURCE:TARGET[:ro].")] = []
    env: Annotated[
        list[str],
        Meta(description="Names of its variables, sorted. The values may be secrets and are not told."),
    ] = []
    network_settings: Annotated[
        dict[str, str], Meta(description="`network`, `ip_address` and `gateway` of its first network.")
    ] = {}
    networks: Annotated[list[ContainerNetwork], Meta(description="All its networks, by name.")] = []
    health: Annotated[str, Meta(description="Result of its health check: starting, healthy or unhealthy.")] = ""
    restart: Annotated[str, Meta(description="When it is started again by itself, as in create.")] = ""
    restart_count: Annotated[int, Meta(description="How often that has happened.")] = 0
    started: Annotated[datetime | None, Meta(description="When it was last started.")] = None
    finished: Annotated[datetime | None, Meta(description="When it last ended.")] = None
    exit_code: Annotated[int | None, Meta(description="Exit status it last ended with; absent while it runs.")] = None


class ContainerCreated(Change, kw_only=True):
    """What became of a container to make."""

    id: Annotated[str, Meta(description="Id of the container; absent in check mode when there is none yet.")] = ""
    name: Annotated[str, Meta(description="Name of the container, also one that the engine made up.")] = ""
    image: Annotated[str, Meta(description="Image it is made of.")]
    state: Annotated[str, Meta(description="Its state afterwards, as in list.")] = ""
    created: Annotated[datetime | None, Meta(description="When it was made.")] = None
    warnings: Annotated[list[str], Meta(description="What the engine has to say about it.")] = []  # noqa: RUF012 - as above


class ContainerChange(Change, kw_only=True):
    """What became of a container."""

    id: Annotated[str, Meta(description="Id of the container; as asked for when there is none.")]
    message: Annotated[str, Meta(description="What became of it, as a sentence.")]


class ExecResult(Change, kw_only=True):
    """What a program in a container left behind. An exit status other than 0 is a result, not a failure."""

    stdout: Annotated[
        str, Meta(description="Standard output as UTF-8; when it is too long, the middle is left out and marked.")
    ]
    stderr: Annotated[str, Meta(description="Standard error, likewise.")]
    exit_code: Annotated[
        int | None,
        Meta(description="Exit status; 128 and the number of the signal when one ended it. Absent if it never ran."),
    ] = None
    truncated: Annotated[bool, Meta(description="Whether a part of the output was left out.")] = False


class LogLine(Struct, kw_only=True, omit_defaults=True):
    """One line that a container has written."""

    timestamp: Annotated[datetime | None, Meta(description="When the engine received it.")] = None
    stream: Annotated[str, Meta(description="stdout or stderr.")]
    message: Annotated[str, Meta(description="Text; bytes that are not UTF-8 are shown as U+FFFD.")]


class ContainerLog(Struct, kw_only=True, omit_defaults=True):
    """What a container has written."""

    lines: Annotated[list[LogLine], Meta(description="Lines, the oldest first.")]
    truncated: Annotated[
        bool, Meta(description="Whether older lines were left out because the answer would be too long.")
    ] = False
    followed: Annotated[
        int, Meta(description="How many lines were told as events while they came; `lines` is empty then.")
    ] = 0


class ContainerStats(Struct, kw_only=True, omit_defaults=True):
    """What a container uses. What the engine does not measure is absent."""

    id: Annotated[str, Meta(description="Id of the container.")]
    name: Annotated[str, Meta(description="Name of the container.")]
    cpu_percent: Annotated[
        float | None, Meta(description="Processor time used in the last second, 100 for one whole processor.")
    ] = None
    memory_usage: Annotated[
        int | None, Meta(description="Memory in bytes, without what can be given back at once.")
    ] = None
    memory_limit: Annotated[int | None, Meta(description="How much it may use, in bytes.")] = None
    memory_percent: Annotated[float | None, Meta(description="The one as a share of the other, 0 to 100.")] = None
    network_rx: Annotated[int | None, Meta(description="Bytes received since its start.")] = None
    network_tx: Annotated[int | None, Meta(description="Bytes sent since its start.")] = None
    block_read: Annotated[int | None, Meta(description="Bytes read from disks since its start.")] = None
    block_write: Annotated[int | None, Meta(description="Bytes written to disks since its start.")] = None
    processes: Annotated[int | None, Meta(description="How many processes and threads it has.")] = None
