"""What the broker holds, for those who look after it: streams, buckets, object stores, consumers, space.

Asks the JetStream API; needs rights that only controllers have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from osapi.contract.errors import NoAnswer, Unavailable
from osapi.transport.link import Link
from osapi.transport.refusal import Refusal, as_error

_TIMEOUT_S = 3.0

_Res = TypeVar("_Res", bound="_Page")


@dataclass(frozen=True, kw_only=True)
class Held:
    """One stream, or the stream behind a bucket or an object store. `keys` counts subjects in use."""

    name: str
    messages: int
    size_bytes: int
    consumers: int
    keys: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One lasting consumer and what it has before it."""

    name: str
    pending: int
    ack_pending: int
    redelivered: int


@dataclass(frozen=True, kw_only=True)
class Space:
    """Bytes of storage that JetStream uses for us; `limit_bytes` None when the account has no limit."""

    used_bytes: int
    limit_bytes: int | None


class _Page(msgspec.Struct, frozen=True):
    total: int = 0
    offset: int = 0
    limit: int = 0
    error: Refusal | None = None


class _Config(msgspec.Struct, frozen=True):
    name: str


class _State(msgspec.Struct, frozen=True):
    messages: int = 0
    bytes: int = 0
    consumer_count: int = 0
    num_subjects: int = 0


class _Stream(msgspec.Struct, frozen=True):
    config: _Config
    state: _State


class _Streams(_Page, frozen=True):
    streams: tuple[_Stream, ...] | None = None


class _Consumer(msgspec.Struct, frozen=True):
    name: str
    num_pending: int = 0
    num_ack_pending: int = 0
    num_redelivered: int = 0


class _Consumers(_Page, frozen=True):
    consumers: tuple[_Consumer, ...] | None = None


class _Limits(msgspec.Struct, frozen=True):
    max_storage: int = -1


class _Account(_Page, frozen=True):
    storage: int = 0
    limits: _Limits = _Limits()


class Survey:
    """Asks one broker. Every method raises `Unavailable` when it does not answer within 3 seconds."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def server_url(self) -> str:
        """The server of the present connection, without credentials; empty when there is none."""
        url = self._link.client.connected_url
        return "" if url is None else f"nats://{url.hostname}:{url.port}"

    @property
    def server_version(self) -> str:
        """Version of that server, as it has told."""
        version = self._link.client.connected_server_version
        return f"{version.major}.{version.minor}.{version.patch}"

    async def held(self) -> dict[str, Held]:
        """Every stream by its name without namespace; `KV_` or `OBJ_` stands before buckets and object stores."""
        found: dict[str, Held] = {}
        while True:
            page = await self._ask("STREAM.LIST", {"offset": len(found)}, _Streams)
            for one in page.streams or ():
                name = self._link.names.bare_stream(one.config.name)
                found[name] = Held(
                    name=name,
                    messages=one.state.messages,
                    size_bytes=one.state.bytes,
                    consumers=one.state.consumer_count,
                    keys=one.state.num_subjects,
                )
            if len(found) >= page.total or not page.streams:
                return found

    async def waiting(self, stream: str) -> list[Waiting]:
        """The consumers of a stream."""
        name = self._link.names.stream(stream)
        page = await self._ask(f"CONSUMER.LIST.{name}", {"offset": 0}, _Consumers)
        return [
            Waiting(
                name=one.name,
                pending=one.num_pending,
                ack_pending=one.num_ack_pending,
                redelivered=one.num_redelivered,
            )
            for one in page.consumers or ()
        ]

    async def space(self) -> Space:
        """How much of its storage is used."""
        account = await self._ask("INFO", {}, _Account)
        limit = account.limits.max_storage
        return Space(used_bytes=account.storage, limit_bytes=limit if limit > 0 else None)

    async def _ask(self, what: str, question: dict[str, Any], kind: type[_Res]) -> _Res:
        try:
            reply = await self._link.request(f"$JS.API.{what}", msgspec.json.encode(question), timeout_s=_TIMEOUT_S)
        except NoAnswer as err:
            raise Unavailable(f"the broker does not answer {what.lower()}: {err.message}") from err
        answer = msgspec.json.decode(reply.data, type=kind)
        if answer.error is not None:
            raise as_error(answer.error, f"the broker refuses {what.lower()}")
        return answer
