"""What the status route gives, as the REST API shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing


class ComponentHealth(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One part: `ok` or `error`."""

    status: str
    error: str = ""


class NatsInfo(msgspec.Struct, kw_only=True):
    """The broker's server that this controller is connected to."""

    url: str
    version: str


class StreamInfo(msgspec.Struct, kw_only=True):
    """A stream."""

    name: str
    messages: int
    bytes: int
    consumers: int


class KvBucketInfo(msgspec.Struct, kw_only=True):
    """A bucket."""

    name: str
    keys: int
    bytes: int


class ObjectStoreInfo(msgspec.Struct, kw_only=True):
    """An object store; `size` in bytes."""

    name: str
    size: int


class StoreInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What JetStream stores, in bytes; `limit_bytes` is absent when the account has no limit."""

    used_bytes: int
    limit_bytes: int | None = None


class JobStats(msgspec.Struct, kw_only=True):
    """Jobs by state; `failed` counts partial failures too, `dlq` dead letters."""

    total: int
    unprocessed: int
    processing: int
    completed: int
    failed: int
    dlq: int
    by_status: Annotated[dict[str, int], Meta(description="Every state that some job is in.")]


class AgentDetail(msgspec.Struct, kw_only=True):
    """One agent in short."""

    hostname: str
    labels: str
    registered: str


class AgentStats(msgspec.Struct, kw_only=True):
    """Agents: known, able to take work, silent, and those that can take work."""

    total: int
    ready: int
    unreachable: int
    agents: list[AgentDetail]


class ConsumerDetail(msgspec.Struct, kw_only=True):
    """A lasting consumer of the stream of jobs."""

    name: str
    pending: int
    ack_pending: int
    redelivered: int


class ConsumerStats(msgspec.Struct, kw_only=True):
    """The lasting consumers of the stream of jobs."""

    total: int
    consumers: list[ConsumerDetail]


class ComponentEntry(msgspec.Struct, kw_only=True):
    """A program that reports to the registry: controller, broker or agent."""

    type: str
    hostname: str
    status: str
    conditions: list[str]
    age: str
    cpu_percent: float
    mem_bytes: int
    last_seen_s: Annotated[float, Meta(description="Seconds since its last sign of life.")]
    version: str
    parts: dict[str, str]


class StatusResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything; what could not be asked for is absent and named in `components`."""

    status: Annotated[str, Meta(description="`ok` or `degraded`.")]
    components: dict[str, ComponentHealth]
    version: str
    uptime: str
    nats: NatsInfo | None = None
    store: StoreInfo | None = None
    streams: list[StreamInfo] | None = None
    kv_buckets: list[KvBucketInfo] | None = None
    object_stores: list[ObjectStoreInfo] | None = None
    jobs: JobStats | None = None
    agents: AgentStats | None = None
    consumers: ConsumerStats | None = None
    registry: list[ComponentEntry] | None = None


STATUS = Endpoint(
    operation_id="GetHealthStatus",
    method="GET",
    path="/api/health/status",
    permission="health:read",
    summary="Show how every component fares; 503 when something is degraded.",
    tag="Health",
    request=Nothing,
    response=StatusResponse,
)
