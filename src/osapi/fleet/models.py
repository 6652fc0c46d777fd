"""What an agent tells of itself with every heartbeat.

One record per machine id in the bucket `agent-registry`. Kept small: a fleet of two thousand writes two
hundred of them a second.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract import moments
from osapi.contract.ids import MachineId
from osapi.fleet.conditions import Condition
from osapi.jobs import subjects
from osapi.jobs.record import Actor
from osapi.telemetry.process import ProcessFigures

KEYS = "agents.*"
"""Filter that matches the key of every agent record."""
_KEY = 32


class AgentState(enum.Enum):
    """Whether an agent takes new work. Only `READY` does."""

    READY = "Ready"
    DRAINING = "Draining"
    CORDONED = "Cordoned"
    PENDING = "Pending"


class OsInfo(msgspec.Struct, frozen=True):
    """Name and version of the distribution, from os-release(5)."""

    distribution: Annotated[str, Meta(description="Name of the distribution.")]
    version: Annotated[str, Meta(description="Its version; empty when it has none.")]


class Load(msgspec.Struct, frozen=True):
    """Load averages over one, five and fifteen minutes, from getloadavg(3)."""

    one: Annotated[float, Meta(description="Average over one minute.")] = msgspec.field(name="1min")
    five: Annotated[float, Meta(description="Average over five minutes.")] = msgspec.field(name="5min")
    fifteen: Annotated[float, Meta(description="Average over fifteen minutes.")] = msgspec.field(name="15min")


class Memory(msgspec.Struct, frozen=True):
    """Bytes of main memory."""

    total: Annotated[int, Meta(description="All memory, in bytes.")]
    free: Annotated[int, Meta(description="What nobody uses, in bytes.")]
    used: Annotated[int, Meta(description="What cannot be given away, in bytes: total less available.")]


class Disk(msgspec.Struct, frozen=True):
    """The fullest local disk of a host, in bytes."""

    path: Annotated[str, Meta(description="Where it is mounted.")]
    total: Annotated[int, Meta(description="Its size, in bytes.")]
    used: Annotated[int, Meta(description="What is taken, in bytes.")]


class AgentRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One agent as it last described itself. Times are those of the agent's own clock.

    Facts that the host does not tell are None or empty. `stopped` says that the agent ended in good
    order, so that nobody waits for its next heartbeat.
    """

    machine_id: MachineId
    hostname: str
    labels: dict[str, str] = {}
    state: AgentState = AgentState.READY
    signing_key: bytes = b""
    """Ed25519 key, 32 bytes, by which results and heartbeats of this agent are known. Empty: it signs nothing."""
    sealing_key: bytes = b""
    """X25519 key, 32 bytes, to which secrets for this host are sealed. Empty: it can be sent none."""
    version: str
    registered_at: datetime
    """When this agent first joined, kept over restarts."""
    started_at: datetime
    heartbeat_at: datetime
    stopped: bool = False
    uptime_s: Annotated[int, Meta(ge=0, lt=2**36)] | None = None
    """Whole seconds since the host booted."""
    os_info: OsInfo | None = None
    load: Load | None = None
    memory: Memory | None = None
    disk: Disk | None = None
    architecture: str = ""
    kernel_version: str = ""
    cpu_count: int | None = None
    process: ProcessFigures | None = None
    conditions: tuple[Condition, ...] = ()
    parts: dict[str, str] = {}
    """Parts of the agent and how they are, for example `queue: taking jobs`."""
    metrics: str = ""
    """Where it shows its figures, as `host:port`; empty when it does not."""

    def __post_init__(self) -> None:
        moments.check(self.registered_at, self.started_at, self.heartbeat_at)

    @property
    def is_signing(self) -> bool:
        """Whether it announces a key by which it can be known."""
        return len(self.signing_key) == _KEY


class ComponentKind(enum.Enum):
    """Programs besides the agents that report to the registry."""

    CONTROLLER = "controller"
    NATS = "nats"


class ComponentRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A controller or a broker as it last described itself, under `<kind>.<name>` in the registry."""

    kind: ComponentKind
    name: str
    """Host name, and what else tells two of a kind on one host apart."""
    hostname: str
    version: str
    started_at: datetime
    heartbeat_at: datetime
    stopped: bool = False
    process: ProcessFigures
    disk: Disk | None = None
    """The file system that holds what the program stores; None when it stores nothing."""
    most_bytes: int = 0
    """How much of it the program may store; 0 when it stores nothing."""
    conditions: tuple[Condition, ...] = ()
    parts: dict[str, str] = {}
    metrics: str = ""
    """Where it shows its figures, as `host:port`; empty when it does not."""


class DrainOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Order to one agent to take no new work, or to take it again. Signed, and kept while the agent is known."""

    machine_id: MachineId
    drained: bool
    issued: datetime
    actor: Actor
    reason: str = ""


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that became of an agent."""

    timestamp: Annotated[datetime, Meta(description="When it happened.")]
    event: Annotated[str, Meta(description="What happened, for example `drain`, `cordoned` or `unreachable`.")]
    hostname: Annotated[str, Meta(description="The host's name at that time.")]
    message: Annotated[str, Meta(description="The same for people; empty when there is nothing to add.")] = ""
    error: Annotated[str, Meta(description="What went wrong; empty when nothing did.")] = ""


def component_key(record: ComponentRecord) -> str:
    """Key of a program's record in the bucket `agent-registry`."""
    return f"{record.kind.value}.{subjects.token(record.name)}"


def key(machine: MachineId) -> str:
    """Key of an agent's record in the bucket `agent-registry`."""
    return f"agents.{subjects.token(machine)}"
