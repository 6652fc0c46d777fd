"""What an agent, the holder of a join token and the broker program may say and hear. Everything else is refused there.

Who is no controller and no broker has an account of its own at the broker. What passes between the two accounts is derived
from these same permissions: what any agent may say, and what any agent may hear but answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osapi.config.settings import Settings
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import subjects

_ANY = "*"


@dataclass(frozen=True)
class Permissions:
    """Subjects, with wildcards as in NATS."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


@dataclass(frozen=True)
class Crossing:
    """Subjects that pass between the account of agents and that of controllers; none of them covers another."""

    said: tuple[str, ...]
    """By agents and holders of join tokens, to controllers and streams; answers come back."""
    heard: tuple[str, ...]
    """By agents, from controllers and streams."""


def crossing(settings: Settings) -> Crossing:
    """What passes between the accounts: what all agents and holders of join tokens together may say and hear."""
    agents, tokens = _of_agent(settings, _ANY), of_token(settings, _ANY)
    return Crossing(
        said=_widest((*agents.publish, *tokens.publish)),
        heard=_widest(subject for subject in agents.subscribe if not subject.startswith(subjects.INBOXES)),
    )


def of_agent(settings: Settings, machine: MachineId) -> Permissions:
    """The permissions of the agent of one machine, with the namespace of the embedded broker."""
    return _of_agent(settings, subjects.token(machine))


def _of_agent(settings: Settings, own: str) -> Permissions:
    nats, namespace = settings.nats, settings.nats.server.namespace
    subject = f"{namespace}." if namespace else ""
    name = f"{namespace}-" if namespace else ""
    shared = f"{name}{nats.stream.name}.{settings.agent.consumer.durable}"
    claims = subjects.claim_key(JobId("*"))
    return Permissions(
        publish=(
            f"{subject}hello.{own}",
            f"{subject}output.*.{own}",
            f"$KV.{name}{nats.registry.bucket}.agents.{own}",
            *([f"$KV.{name}{nats.facts.bucket}.facts.{own}"] if nats.facts.bucket else []),
            f"$KV.{name}{nats.kv.bucket}.status.*.*.{own}.*",
            f"$KV.{name}{nats.kv.bucket}.{claims}",
            f"$KV.{name}{nats.kv.response_bucket}.responses.*.{own}",
            # The claim on a job for anybody, to find out whether one that the broker did not confirm is ours.
            f"$JS.API.DIRECT.GET.KV_{name}{nats.kv.bucket}.$KV.{name}{nats.kv.bucket}.{claims}",
            # How the controller's key was replaced.
            f"$JS.API.DIRECT.GET.KV_{name}{nats.enrollment.bucket}.$KV.{name}{nats.enrollment.bucket}.{subjects.ROTATIONS}",
            *_objects(f"{name}{nats.objects.bucket}" if nats.objects.bucket else ""),
            *_keeping(f"{name}{nats.output.bucket}" if nats.output.bucket else ""),
            *([f"$KV.{name}{nats.file_state.bucket}.{own}.*"] if nats.file_state.bucket else []),
            f"$JS.API.CONSUMER.MSG.NEXT.{shared}",
            f"$JS.ACK.{shared}.>",
        ),
        subscribe=(
            *(f"{subject}live.jobs.*.{route}" for route in ("_all", f"host.{own}", "label.>")),
            *(f"{subject}{each}" for each in (f"cancel.{own}", "cancel._all", f"drain.{own}", subjects.ROTATED)),
            f"{subjects.INBOXES}{own}.>",
        ),
    )


def of_broker(settings: Settings) -> Permissions:
    """The permissions of the broker program, which reports itself and follows who is enrolled."""
    nats, namespace = settings.nats, settings.nats.server.namespace
    name = f"{namespace}-" if namespace else ""
    enrolled = f"KV_{name}{nats.enrollment.bucket}"
    return Permissions(
        publish=(
            f"$KV.{name}{nats.registry.bucket}.nats.*",
            f"$JS.API.DIRECT.GET.{enrolled}.$KV.{name}{nats.enrollment.bucket}.{subjects.ROTATIONS}",
            f"$JS.API.STREAM.INFO.{enrolled}",
            f"$JS.API.CONSUMER.CREATE.{enrolled}.>",
            f"$JS.API.CONSUMER.DELETE.{enrolled}.*",
            f"$JS.FC.{enrolled}.>",
        ),
        subscribe=("_INBOX.broker.>",),
    )


def of_token(settings: Settings, token_id: str) -> Permissions:
    """The permissions of who holds a join token: to ask, and to hear the answer."""
    namespace = settings.nats.server.namespace
    subject = f"{namespace}." if namespace else ""
    return Permissions(
        publish=(f"{subject}{subjects.join_request(token_id)}",),
        subscribe=(f"{subjects.join_inbox(token_id)}.>",),
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


def _widest(patterns: Iterable[str]) -> tuple[str, ...]:
    """Those that no other one covers: what two patterns let through would arrive twice."""
    found = tuple(dict.fromkeys(patterns))
    return tuple(each for each in found if not any(other != each and _covers(other, each) for other in found))


def _covers(wide: str, narrow: str) -> bool:
    """Whether everything that `narrow` matches is matched by `wide`; both with the wildcards of NATS."""
    wanted, given = wide.split("."), narrow.split(".")
    if wanted[-1] == ">" and len(given) >= len(wanted):
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(
        one == other or (one == _ANY and other != ">") for one, other in zip(wanted, given, strict=True)
    )
