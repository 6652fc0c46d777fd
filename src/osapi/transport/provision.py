"""Makes the broker look as a `Layout` says. Run by the controller when it starts, and by nobody else.

What is missing is created, what differs is updated, nothing is ever deleted; several controllers may
do it at the same time. Configurations are those of the JetStream API (NATS ADR-8, ADR-20 for buckets
and object stores).
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import msgspec

from osapi.contract.errors import Conflict, NoAnswer, NotFound
from osapi.transport.broker import Broker
from osapi.transport.layout import Bucket, Durable, Layout, ObjectStore, Storage, Stream
from osapi.transport.link import Link, NobodyListens
from osapi.transport.refusal import NOT_AVAILABLE, Refusal, as_error

_TIMEOUT_S = 2.0
_PATIENCE_S = 30.0
"""How long a cluster may take to find itself."""
_AGAIN_S = 0.2
_NO_ROOM = frozenset({10028, 10047})
"""Memory and storage that JetStream has not got; it reserves what a stream is bounded to."""


class _Answer(msgspec.Struct):
    error: Refusal | None = None


async def provision(broker: Broker, layout: Layout) -> None:
    """Create or update everything in `layout`. A second call changes nothing.

    Raises `Invalid` when the broker refuses a value (storage and replicas of what exists cannot be
    changed freely), `Unavailable` when it is away or lacks resources.
    """
    link = broker.link
    advisory = f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{link.names.stream(layout.jobs.name)}.*"
    await _stream(link, _stream_config(link, layout.jobs))
    await _stream(link, _stream_config(link, layout.dead_letters, advisory))
    await _stream(link, _stream_config(link, layout.output))
    if layout.audit is not None:
        await _stream(link, _stream_config(link, layout.audit))
    for bucket in layout.buckets:
        await _stream(link, _bucket_config(link, bucket))
    for store in layout.objects:
        await _stream(link, _object_config(link, store))
    for durable in layout.durables:
        await _durable(link, durable)


async def _stream(link: Link, config: dict[str, Any]) -> None:
    name = config["name"]
    update, create = f"$JS.API.STREAM.UPDATE.{name}", f"$JS.API.STREAM.CREATE.{name}"
    try:
        await _ask(link, update, config, f"stream {name} cannot be updated")
    except NotFound:
        try:
            await _ask(link, create, config, f"stream {name} cannot be created")
        except Conflict:
            # Another controller, with other settings, was quicker; the last word is as good as the first.
            await _ask(link, update, config, f"stream {name} cannot be updated")


async def _durable(link: Link, durable: Durable) -> None:
    stream = link.names.stream(durable.stream)
    config = {
        "name": durable.name,
        "durable_name": durable.name,
        "filter_subjects": [link.names.subject(subject) for subject in durable.filters],
        "deliver_policy": "all",
        "replay_policy": "original" if durable.in_original_pace else "instant",
        "ack_policy": "explicit",
        "ack_wait": _ns(durable.ack_wait),
        "max_deliver": durable.max_deliver,
        "max_ack_pending": durable.max_ack_pending,
        "max_waiting": durable.max_waiting,
        "backoff": [_ns(wait) for wait in durable.back_off],
    }
    question = {"stream_name": stream, "config": config, "action": ""}
    subject = f"$JS.API.CONSUMER.CREATE.{stream}.{durable.name}"
    await _ask(link, subject, question, f"consumer {durable.name} of {stream} cannot be made")


async def _ask(link: Link, subject: str, question: dict[str, Any], failure: str) -> None:
    """Ask until there is an answer that will stay: a cluster that chooses a leader is silent, or says that it is not ready."""
    deadline = time.monotonic() + _PATIENCE_S
    refusal = await _answer(link, subject, question)
    while refusal is not None and refusal.is_in_motion and time.monotonic() < deadline:
        await asyncio.sleep(_AGAIN_S)
        refusal = await _answer(link, subject, question)
    if refusal is not None:
        raise as_error(refusal, failure + _room_wanted(refusal, question))


async def _answer(link: Link, subject: str, question: dict[str, Any]) -> Refusal | None:
    """Why not; None when it is done."""
    try:
        reply = await link.request(subject, msgspec.json.encode(question), timeout_s=_TIMEOUT_S)
    except NobodyListens as err:
        return Refusal(description=f"there is no JetStream ({err.message})")
    except NoAnswer as err:
        return Refusal(err_code=NOT_AVAILABLE, description=f"JetStream does not answer ({err.message})")
    return msgspec.json.decode(reply.data, type=_Answer).error


def _room_wanted(refusal: Refusal, config: dict[str, Any]) -> str:
    """What to do when the broker has no room to reserve."""
    if refusal.err_code not in _NO_ROOM:
        return ""
    size = config.get("max_bytes", -1)
    asked = f" with max_bytes {size}" if size > 0 else ""
    return f"{asked} (make max_bytes in the settings of nats smaller, or max_file_store of nats-server larger)"


def _stream_config(link: Link, stream: Stream, *more: str) -> dict[str, Any]:
    config = _limits(link.names.stream(stream.name), stream.storage, stream.replicas, stream.max_bytes)
    config |= {
        "subjects": [link.names.subject(subject) for subject in stream.subjects] + list(more),
        "max_age": _ns(stream.max_age),
        "max_msgs": _or_unlimited(stream.max_msgs),
        "max_msgs_per_subject": _or_unlimited(stream.max_msgs_per_subject),
        "discard": stream.discard.value,
        "duplicate_window": _ns(_window(stream.duplicate_window, stream.max_age)),
        "allow_direct": stream.allow_direct,
        "allow_msg_ttl": stream.allow_message_ttl,
        "deny_delete": stream.only_age_removes,
        "deny_purge": stream.only_age_removes,
    }
    if stream.metadata:
        config["metadata"] = dict(stream.metadata)
    if stream.republish is not None:
        config["republish"] = {
            "src": link.names.subject(stream.republish.source),
            "dest": link.names.subject(stream.republish.destination),
        }
    return config


def _bucket_config(link: Link, bucket: Bucket) -> dict[str, Any]:
    config = _limits(link.names.bucket_stream(bucket.name), bucket.storage, bucket.replicas, bucket.max_bytes)
    config |= {
        "subjects": [link.names.bucket_prefix(bucket.name) + ">"],
        "max_age": _ns(bucket.ttl),
        "max_msgs_per_subject": 1,
        "discard": "new",
        "duplicate_window": _ns(_window(timedelta(minutes=2), bucket.ttl)),
        "allow_direct": True,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_msg_ttl": True,
    }
    if bucket.announce_expiry is not None:
        config["subject_delete_marker_ttl"] = _ns(bucket.announce_expiry)
    return config


def _object_config(link: Link, store: ObjectStore) -> dict[str, Any]:
    prefix = link.names.object_prefix(store.name)
    config = _limits(link.names.object_stream(store.name), store.storage, store.replicas, store.max_bytes)
    return config | {
        "subjects": [f"{prefix}C.>", f"{prefix}M.>"],
        "max_age": _ns(store.ttl),
        "discard": "new",
        "allow_direct": True,
        "allow_rollup_hdrs": True,
    }


def _limits(name: str, storage: Storage, replicas: int, max_bytes: int | None) -> dict[str, Any]:
    return {
        "name": name,
        "retention": "limits",
        "storage": storage.value,
        "num_replicas": replicas,
        "max_bytes": _or_unlimited(max_bytes),
    }


def _window(window: timedelta, max_age: timedelta | None) -> timedelta:
    """The broker refuses to remember message ids for longer than the messages themselves."""
    return window if max_age is None else min(window, max_age)


def _or_unlimited(limit: int | None) -> int:
    return -1 if limit is None else limit


def _ns(duration: timedelta | None) -> int:
    """Nanoseconds; 0, which the broker reads as without limit, for None."""
    return 0 if duration is None else round(duration.total_seconds() * 1e9)
