"""ORIGINAL: the calls that the product which OSAPI replaces makes to NATS for one job on one host.

Replayed as plain calls with nats-py on uvloop, in the order and with the waiting of the original (revision
63dd1cff of 2026-08-16). What it computes between the calls is left out, so the figures flatter it.

    controller                                          agent (another process)
    1  KV put      jobs.<id>, waits for the ack         1  pull consumer (durable, its own): fetch one
    2  stream publish of the id, waits for the ack      2  KV get jobs.<id>
    3  watch on responses.<id>.>: creates a consumer    3  event `acknowledged`: put
    4  waits for the first entry                        4  event `started`: put
    5  ends the watch: deletes the consumer             5  response: put
                                                        6  event `completed`: put
                                                        7  acknowledges the message, without waiting

Before each of the puts 3 to 6 the agent's KV helper creates *or updates* the bucket, which is one more
request that the broker answers slowly. `update_bucket` False leaves that out: "the original without its
bucket update". An agent handles the messages of one consumer strictly one after the other.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.kv import KeyValue

from bench.children import Child, run_player
from bench.logins import Login, login_from

_RECORD = b"x" * 300
_EVENT = b"x" * 200
_HOST = "web-01"


class Names:
    """Names of one replay, so that both ways can run side by side."""

    def __init__(self, update_bucket: bool) -> None:
        tag = "updating" if update_bucket else "plain"
        self.bucket = f"bench-original-{tag}"
        self.bucket_stream = f"KV_{self.bucket}"
        self.stream = f"BENCH-ORIGINAL-{tag}"
        self.subject = f"bench.original.{tag}.jobs.query.host.{_HOST}"
        self.durable = f"jobs_query_direct_{_HOST}"


class Original:
    """The controller's side; made by `prepared`."""

    def __init__(self, client: Client, stream: JetStreamContext, bucket: KeyValue, names: Names) -> None:
        self._client = client
        self._stream = stream
        self._bucket = bucket
        self._names = names

    async def once(self) -> None:
        """One job from submission to the answer."""
        job = str(uuid.uuid4())
        await self._bucket.put(f"jobs.{job}", _RECORD)
        await self._stream.publish(self._names.subject, job.encode())
        await self._first_entry(f"$KV.{self._names.bucket}.responses.{job}.>")

    async def _first_entry(self, subject: str) -> None:
        """Watch, wait, end the watch: what a KV watch does on the wire."""
        inbox = self._client.new_inbox()
        heard = await self._client.subscribe(inbox)
        consumer = ConsumerConfig(
            name=uuid.uuid4().hex, deliver_subject=inbox, filter_subject=subject, mem_storage=True, num_replicas=1,
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT, ack_policy=AckPolicy.NONE, max_deliver=1,
        )  # fmt: skip
        await self._stream.add_consumer(self._names.bucket_stream, consumer)
        await heard.next_msg(timeout=30)
        await heard.unsubscribe()
        await self._stream.delete_consumer(self._names.bucket_stream, consumer.name or "")


class Agent:
    """The agent's side, in a process of its own."""

    def __init__(self, stream: JetStreamContext, bucket: KeyValue, config: StreamConfig | None, names: Names) -> None:
        self._stream = stream
        self._bucket = bucket
        self._config = config
        self._names = names

    async def serve(self) -> None:
        """Fetch and handle one message after the other, for ever."""
        consumer = await self._stream.pull_subscribe(self._names.subject, self._names.durable, self._names.stream)
        while True:
            try:
                [message] = await consumer.fetch(1, timeout=30)
            except nats.errors.TimeoutError:
                continue
            await self._handle(message.data.decode())
            await message.ack()

    async def _handle(self, job: str) -> None:
        await self._bucket.get(f"jobs.{job}")
        await self._write(f"status.{job}.acknowledged.{_HOST}.{time.time_ns()}")
        await self._write(f"status.{job}.started.{_HOST}.{time.time_ns()}")
        await self._write(f"responses.{job}.{_HOST}.{time.time_ns()}")
        await self._write(f"status.{job}.completed.{_HOST}.{time.time_ns()}")

    async def _write(self, key: str) -> None:
        if self._config is not None:
            await self._stream.update_stream(self._config)
        await self._bucket.put(key, _EVENT)


@asynccontextmanager
async def prepared(login: Login, *, update_bucket: bool) -> AsyncIterator[Original]:
    """Streams and an agent of their own."""
    names = Names(update_bucket)
    client = await nats.connect(**login.options)
    stream = client.jetstream(timeout=10)
    try:
        await stream.add_stream(
            name=names.stream, subjects=[names.subject], max_age=86400, max_msgs=10_000, discard=DiscardPolicy.OLD
        )
        bucket = await stream.create_key_value(bucket=names.bucket, ttl=3600, max_bytes=100 * 1024 * 1024, direct=True)
        child = await Child.start("bench.original", {"login": login.as_json(), "update_bucket": update_bucket})
        try:
            yield Original(client, stream, bucket, names)
        finally:
            await child.stop()
            await stream.delete_stream(names.stream)
            await stream.delete_key_value(names.bucket)
    finally:
        await client.close()


@asynccontextmanager
async def play(arguments: dict[str, Any]) -> AsyncIterator[None]:
    """The agent as a player; see `bench.children`."""
    names = Names(arguments["update_bucket"])
    client = await nats.connect(**login_from(arguments["login"]).options)
    stream = client.jetstream(timeout=10)
    config = (await stream.stream_info(names.bucket_stream)).config if arguments["update_bucket"] else None
    bucket = KeyValue(name=names.bucket, stream=names.bucket_stream, pre=f"$KV.{names.bucket}.", js=stream, direct=True)
    serving = asyncio.create_task(Agent(stream, bucket, config, names).serve())
    yield
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await client.close()


if __name__ == "__main__":
    run_player(play)
