"""Settings of the agent: who it is, how it reaches the broker, how much it does at once and what it watches."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, field

from osapi.config.fields import (
    SENSITIVE,
    ClientAuth,
    ClientTls,
    Metrics,
    Namespaced,
    OptionalName,
    Port,
    ProcessConditions,
    Section,
)


class Nats(Namespaced, frozen=True, kw_only=True):
    """The agent's way to the broker."""

    host: Annotated[
        str,
        Meta(
            description="Broker host; several servers of a cluster separated by commas, each with its own port "
            "if it differs (`a,b:4223`)."
        ),
    ] = "localhost"
    port: Annotated[Port, Meta(description="TCP port of the broker.")] = 4222
    client_name: Annotated[str, Meta(description="Name under which the broker lists this connection.")] = "osapi-agent"
    auth: ClientAuth = ClientAuth()
    tls: ClientTls = ClientTls()


class Consumer(Section, frozen=True, kw_only=True):
    """The shared consumer of `_any` jobs. The values should be the same on every agent and controller."""

    name: Annotated[
        OptionalName, Meta(description="Prefix (plus `_`) of the durable consumer's name. Empty: no prefix.")
    ] = ""
    max_deliver: Annotated[
        int, Meta(ge=1, description="How often a job nobody has finished is handed out before it is a dead letter.")
    ] = 5
    ack_wait: Annotated[
        timedelta,
        Meta(
            description="Silence after which a job is handed to another agent; a working agent says so in time. More than 0."
        ),
    ] = timedelta(seconds=5)
    max_ack_pending: Annotated[
        int, Meta(ge=1, description="Jobs that may be handed out and unfinished at once, over all agents.")
    ] = 1000
    replay_policy: Annotated[
        Literal["instant", "original"],
        Meta(description="`instant` hands out as fast as agents ask, `original` at the pace of submission."),
    ] = "instant"
    back_off: Annotated[
        list[timedelta],
        Meta(
            description="Waits before the second, third, … hand-out; they replace `ack_wait`. Not longer than "
            "`max_deliver`. Empty: `ack_wait` each time."
        ),
    ] = field(default_factory=list[timedelta])

    @property
    def durable(self) -> str:
        """Name of the consumer in the broker."""
        return f"{self.name}_any" if self.name else "any"


class Facts(Section, frozen=True, kw_only=True):
    """What the agent tells about its host now and then."""

    interval: Annotated[
        timedelta, Meta(description="Pause between two looks at the host; what has changed is told. More than 0.")
    ] = timedelta(seconds=60)
    folder: Annotated[
        str,
        Meta(description="Folder of custom facts: `.json`, `.yaml` and `.txt` files, and programs."),
    ] = "/etc/osapi/facts.d"


class Conditions(Section, frozen=True, kw_only=True):
    """When the host counts as being under pressure."""

    memory_pressure_threshold: Annotated[
        int, Meta(ge=1, le=100, description="Used memory in percent above which MemoryPressure holds.")
    ] = 90
    high_load_multiplier: Annotated[
        float, Meta(gt=0, description="HighLoad holds when the one-minute load exceeds this many times the CPUs.")
    ] = 2.0
    disk_pressure_threshold: Annotated[
        int, Meta(ge=1, le=100, description="Used space in percent of any disk above which DiskPressure holds.")
    ] = 90


class PrivilegeEscalation(Section, frozen=True, kw_only=True):
    """Running without root."""

    enabled: Annotated[
        bool, Meta(description="Whether changes go through sudo; what that needs is checked at the start.")
    ] = False
    without: Annotated[
        list[str],
        Meta(
            description="Domains whose changes are not granted to an agent that is not root. `command` stands for commands as "
            "another account; without it they run as the agent's own."
        ),
    ] = field(default_factory=lambda: ["command"])


class Fetch(Section, frozen=True, kw_only=True):
    """Which files may be fetched from this host."""

    paths: Annotated[
        list[Annotated[str, Meta(pattern=r"^/[^\x00-\x1f]*$")]],
        Meta(
            description="Files and directories, as absolute paths; a directory stands for everything below it. "
            "Empty: none. Whoever has the permission `file:read` can read them as the agent does, mostly as root."
        ),
    ] = field(default_factory=list[str])
    max_bytes: Annotated[int, Meta(ge=1, description="Largest file in bytes.")] = 1024 * 1024 * 1024


class Pki(Section, frozen=True, kw_only=True):
    """The agent's trust in the controller. Its own keys are in `agent.state_dir`."""

    enabled: Annotated[
        bool, Meta(description="Read for compatibility; a host that has a join token asks for enrolment.")
    ] = False
    key_dir: Annotated[
        str,
        Meta(
            description="Folder of `controller.pub`, the key of the controller to trust. Empty: `pki` in the data folder."
        ),
    ] = ""


class AgentMetrics(Metrics, frozen=True, kw_only=True):
    """Metrics of the agent."""

    port: Annotated[Port, Meta(description="TCP port to serve them on.")] = 9091


class Agent(Section, frozen=True, kw_only=True):
    """Settings of the agent."""

    nats: Nats = Nats()
    consumer: Consumer = Consumer()
    facts: Facts = Facts()
    queue_group: Annotated[OptionalName, Meta(description="Name of the group of agents that share `_any` jobs.")] = (
        "job-agents"
    )
    hostname: Annotated[str, Meta(description="Name shown to people. Empty: the system's host name.")] = ""
    machine_id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]*$",
            description="Permanent id of this agent. Empty: that of /etc/machine-id (machine-id(5)). "
            "Set it to run several agents on one machine.",
        ),
    ] = ""
    state_dir: Annotated[
        str,
        Meta(
            description="Folder of the agent's ledger and keys; each agent needs its own. Empty: `agent` in the data folder."
        ),
    ] = ""
    max_jobs: Annotated[int, Meta(ge=1, description="Jobs that run at the same time.")] = 10
    heartbeat_interval: Annotated[
        timedelta, Meta(description="Pause between two signs of life; well below `nats.registry.ttl`. More than 0.")
    ] = timedelta(seconds=10)
    labels: Annotated[
        dict[str, str],
        Meta(
            description="At most 5 labels by which the host can be addressed, as `group: web.dev`. Letters, digits, "
            "`_`, `-`, and dots between the parts of a value."
        ),
    ] = field(default_factory=dict[str, str])
    keep_output_bytes: Annotated[
        int, Meta(ge=1, description="Most that is kept of each output of a command, when it is to be kept whole.")
    ] = 256 * 1024 * 1024
    fetch: Fetch = Fetch()
    conditions: Conditions = Conditions()
    process_conditions: ProcessConditions = ProcessConditions()
    privilege_escalation: PrivilegeEscalation = PrivilegeEscalation()
    pki: Pki = Pki()
    join: Annotated[
        str,
        Meta(
            description="Join token with which to ask for enrolment, or `@` and the path of a file (0600) that holds it. Used "
            "once; empty: none.",
            extra={SENSITIVE: True},
        ),
    ] = ""
    metrics: AgentMetrics = AgentMetrics()
