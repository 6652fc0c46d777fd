"""What the broker must hold, as the settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from osapi.auth import revocation
from osapi.config import nats
from osapi.config.agent import Consumer
from osapi.config.settings import Settings
from osapi.transport.layout import (
    ANY,
    OUTPUT,
    Bucket,
    Discard,
    Durable,
    Layout,
    ObjectStore,
    Republish,
    Storage,
    Stream,
)

_Section = (
    nats.Kv
    | nats.Dlq
    | nats.Audit
    | nats.Registry
    | nats.Facts
    | nats.State
    | nats.Objects
    | nats.Output
    | nats.FileState
    | nats.Enrollment
    | nats.Notifications
    | nats.Stream
)

_Kept = TypeVar("_Kept", Stream, Bucket, ObjectStore)


def of_settings(settings: Settings) -> Layout:
    """The layout. A bucket, store or stream whose name is empty is left out."""
    section = settings.nats
    layout = Layout(
        jobs=_jobs(section.stream),
        dead_letters=_dead_letters(section.stream.name, section.dlq),
        output=replace(
            OUTPUT,
            name=section.live.stream,
            max_age=section.live.max_age or None,
            max_bytes=section.live.max_bytes,
        ),
        audit=_audit(section.audit),
        buckets=tuple(bucket for bucket in _buckets(section) if bucket.name),
        objects=_stores(section),
        durables=(_anybody(section.stream.name, settings.agent.consumer),),
    )
    return _copied(layout, section.replicas)


def _copied(layout: Layout, copies: int) -> Layout:
    """The same, with so many copies of everything at least."""

    def more(part: _Kept) -> _Kept:
        return replace(part, replicas=max(part.replicas, copies))

    return replace(
        layout,
        jobs=more(layout.jobs),
        dead_letters=more(layout.dead_letters),
        output=more(layout.output),
        audit=layout.audit and more(layout.audit),
        buckets=tuple(map(more, layout.buckets)),
        objects=tuple(map(more, layout.objects)),
    )


def _anybody(jobs: str, section: Consumer) -> Durable:
    """The consumer that all agents share; `agent.consumer.name` stands before its name."""
    return Durable(
        name=section.durable,
        stream=jobs,
        filters=ANY.filters,
        ack_wait=section.ack_wait,
        max_deliver=section.max_deliver,
        max_ack_pending=section.max_ack_pending,
        back_off=tuple(section.back_off),
        in_original_pace=section.replay_policy == "original",
    )


def _jobs(section: nats.Stream) -> Stream:
    return Stream(
        name=section.name,
        subjects=(section.subjects,),
        max_age=section.max_age or None,
        max_msgs=section.max_msgs or None,
        storage=_storage(section),
        replicas=_replicas(section),
        discard=Discard(section.discard),
        republish=Republish(source=section.subjects, destination=f"live.{section.subjects}"),
        allow_message_ttl=True,
    )


def _dead_letters(jobs: str, section: nats.Dlq) -> Stream:
    return Stream(
        name=f"{jobs}-DLQ",
        subjects=("dlq.>",),
        max_age=section.max_age or None,
        max_msgs=section.max_msgs or None,
        storage=_storage(section),
        replicas=_replicas(section),
        discard=Discard.OLD,
    )


def _audit(section: nats.Audit) -> Stream | None:
    if not section.stream:
        return None
    return Stream(
        name=section.stream,
        subjects=(f"{section.subject}.>",),
        max_age=section.max_age or None,
        max_bytes=section.max_bytes or None,
        storage=_storage(section),
        replicas=_replicas(section),
        only_age_removes=True,
    )


def _buckets(section: nats.NatsSettings) -> list[Bucket]:
    kv, registry = section.kv, section.registry
    jobs = [_bucket(name, kv, ttl=kv.ttl, max_bytes=kv.max_bytes) for name in (kv.bucket, kv.response_bucket)]
    return [
        *jobs,
        # Without time-to-live: an agent that is gone stays in the inventory; `registry.ttl` judges who is alive.
        _bucket(registry.bucket, registry),
        _bucket(section.facts.bucket, section.facts, ttl=section.facts.ttl),
        _bucket(section.state.bucket, section.state),
        _bucket(section.file_state.bucket, section.file_state),
        _bucket(section.enrollment.bucket, section.enrollment),
        _bucket(section.notifications.bucket, section.notifications),
        _bucket(revocation.BUCKET, section.state),
    ]


def _bucket(
    name: str,
    section: _Section,
    *,
    ttl: timedelta = timedelta(0),
    max_bytes: int = 0,
) -> Bucket:
    return Bucket(
        name=name,
        ttl=ttl or None,
        max_bytes=max_bytes or None,
        storage=_storage(section),
        replicas=_replicas(section),
    )


def _stores(section: nats.NatsSettings) -> tuple[ObjectStore, ...]:
    stores = (_store(section.objects), _store(section.output, ttl=section.output.ttl))
    return tuple(store for store in stores if store.name)


def _store(section: nats.Objects | nats.Output, *, ttl: timedelta = timedelta(0)) -> ObjectStore:
    return ObjectStore(
        name=section.bucket,
        ttl=ttl or None,
        max_bytes=section.max_bytes or None,
        storage=_storage(section),
        replicas=_replicas(section),
    )


def _storage(section: _Section) -> Storage:
    return Storage(section.storage)


def _replicas(section: _Section) -> int:
    return section.replicas or 1
