"""What an agent may say and hear on the broker. Everything else is refused there.

All agents share one identity, so the limits are those of agents as such, not of one machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from osapi.config.settings import Settings
from osapi.contract.ids import JobId
from osapi.jobs import subjects


@dataclass(frozen=True)
class Permissions:
    """Subjects, with wildcards as in NATS. `allow_responses`: may answer what it is asked, wherever the answer goes."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    allow_responses: bool = True


def of_agent(settings: Settings) -> Permissions:
    """The permissions of an agent, with the namespace of the embedded broker."""
    nats, namespace = settings.nats, settings.nats.server.namespace
    subject = f"{namespace}." if namespace else ""
    name = f"{namespace}-" if namespace else ""
    shared = f"{name}{nats.stream.name}.{settings.agent.consumer.durable}"
    claims = subjects.claim_key(JobId("*"))
    return Permissions(
        publish=(
            f"{subject}hello.*",
            f"{subject}{subjects.OUTPUT_SUBJECTS}",
            f"$KV.{name}{nats.registry.bucket}.agents.*",
            *([f"$KV.{name}{nats.facts.bucket}.facts.*"] if nats.facts.bucket else []),
            f"$KV.{name}{nats.kv.bucket}.status.>",
            f"$KV.{name}{nats.kv.response_bucket}.responses.>",
            # The claim on a job for anybody, to find out whether one that the broker did not confirm is ours.
            f"$JS.API.DIRECT.GET.KV_{name}{nats.kv.bucket}.$KV.{name}{nats.kv.bucket}.{claims}",
            # How the controller's key was replaced.
            f"$JS.API.DIRECT.GET.KV_{name}{nats.enrollment.bucket}.$KV.{name}{nats.enrollment.bucket}.{subjects.ROTATIONS}",
            *_objects(f"{name}{nats.objects.bucket}" if nats.objects.bucket else ""),
            *_keeping(f"{name}{nats.output.bucket}" if nats.output.bucket else ""),
            *([f"$KV.{name}{nats.file_state.bucket}.*.*"] if nats.file_state.bucket else []),
            f"$JS.API.CONSUMER.MSG.NEXT.{shared}",
            f"$JS.ACK.{shared}.>",
        ),
        subscribe=(
            f"{subject}live.jobs.>",
            f"{subject}cancel.*",
            f"{subject}drain.*",
            f"{subject}{subjects.ROTATED}",
            "_INBOX.>",
        ),
    )


def of_broker(settings: Settings) -> Permissions:
    """The permissions of the broker program, which reports itself and does nothing else."""
    nats, namespace = settings.nats, settings.nats.server.namespace
    name = f"{namespace}-" if namespace else ""
    return Permissions(
        publish=(f"$KV.{name}{nats.registry.bucket}.nats.*",), subscribe=("_INBOX.>",), allow_responses=False
    )


def _keeping(store: str) -> tuple[str, ...]:
    """Putting objects into a store, without reading or removing any."""
    return (f"$O.{store}.M.*", f"$O.{store}.C.*.*") if store else ()


def _objects(store: str) -> tuple[str, ...]:
    """Reading objects whose names are known, one message at a time: no list, no search, no writing."""
    if not store:
        return ()
    get = f"$JS.API.DIRECT.GET.OBJ_{store}.$O.{store}"
    return (f"{get}.M.*", f"{get}.C.*.*")
