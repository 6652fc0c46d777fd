"""Names of subjects and keys. The only place that spells them.

`jobs.<kind>.<route>` is stored by the stream; the broker republishes it as `live.jobs.<kind>.<route>`,
which is what agents hear. See `docs/architecture.md`, "The way of a job".
"""

from __future__ import annotations

import re

from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.contract.target import AllTarget, AnyTarget, LabelTarget, QueryTarget, Target

LIVE_PREFIX = "live"
HELLO = "hello.*"
CONTROLLERS = "controllers"
"""Queue group of all controllers: one of them answers."""
OUTPUT_SUBJECTS = "output.>"
ROTATED = "pki.rotate"
"""Where it is announced that the controller's key was replaced."""
ROTATIONS = "controller.rotations"
"""Key in the bucket `agent-enrollment` of the chain of the controller's keys."""
JOIN_REQUESTS = "enroll.request.*"
INBOXES = "_INBOX."
"""What every subject for answers begins with."""
_OTHER_ACCOUNT = "_R_."
"""What nats-server puts in the place of the reply of another account; it lets no client name such a reply."""
ANY_FILTERS = ("jobs.query._any", "jobs.modify._any")

EACH = "_each"
"""Route of a job whose hosts a query has chosen. No agent listens to it: the job is sent to each of them directly."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def token(text: str) -> str:
    """Make `text` fit for one token of a subject or key: everything else becomes `_`."""
    return _UNSAFE.sub("_", text)


def route_of(target: Target, machine: MachineId | None) -> str:
    """The last part of the subject. `machine` is the one host that is meant, whatever the target; None for others."""
    if machine is not None:
        return f"host.{token(machine)}"
    match target:
        case AnyTarget():
            return "_any"
        case AllTarget():
            return "_all"
        case LabelTarget(key, value):
            return f"label.{key}.{value}"
        case QueryTarget():
            return EACH
        case _:
            raise ValueError(f"target {target} is not resolved to a machine id")


def submission(kind: Kind, route: str) -> str:
    """Where a job is published to be stored."""
    return f"jobs.{kind.value}.{route}"


def live(subject: str) -> str:
    """Where the broker repeats what it has stored under `subject`."""
    return f"{LIVE_PREFIX}.{subject}"


def direct(kind: Kind, machine: MachineId) -> str:
    """Where a controller sends a job again to one agent; heard like a live one."""
    return live(submission(kind, f"host.{token(machine)}"))


def for_agent(machine: MachineId, labels: dict[str, str]) -> list[str]:
    """Every live subject an agent listens to: itself, everybody, and each level of each label."""
    routes = ["_all", f"host.{token(machine)}"]
    for key, value in labels.items():
        parts = value.split(".")
        routes += [f"label.{key}.{'.'.join(parts[: n + 1])}" for n in range(len(parts))]
    return [f"{LIVE_PREFIX}.jobs.*.{route}" for route in routes]


def hello(machine: MachineId) -> str:
    """Where an agent asks for what it missed."""
    return f"hello.{token(machine)}"


def join_request(token_id: str) -> str:
    """Where the holder of a join token asks to be enrolled."""
    return f"enroll.request.{token_id}"


def inbox(machine: MachineId) -> str:
    """Under which answers to an agent arrive."""
    return f"{INBOXES}{token(machine)}"


def join_inbox(token_id: str) -> str:
    """Under which answers to holders of a join token arrive."""
    return f"{INBOXES}join-{token_id}"


def is_own_reply(reply: str, inbox: str) -> bool:
    """Whether an answer to `reply` arrives under `inbox`, or in the account of who asks, where no stream listens."""
    return reply.startswith((f"{inbox}.", _OTHER_ACCOUNT))


def cancel(machine: MachineId) -> str:
    """Where an agent is told to stop a job."""
    return f"cancel.{token(machine)}"


def drain(machine: MachineId) -> str:
    """Where an agent is told to take no new work, or to take it again."""
    return f"drain.{token(machine)}"


def cancel_everywhere() -> str:
    """Where all agents are told to stop a job, or not to begin it: for `_any`, while nobody has taken it."""
    return "cancel._all"


def record_key(job: JobId) -> str:
    """Key of the job record in the bucket `job-queue`."""
    return f"jobs.{job}"


def event_key(job: JobId, event: str, machine: str, nanoseconds: int) -> str:
    """Key of a status event in the bucket `job-queue`."""
    return f"status.{job}.{event}.{token(machine)}.{nanoseconds}"


def claim_key(job: JobId) -> str:
    """Key under which one agent, and no second one, takes a job for anybody: an `acknowledged` event."""
    return f"status.{job}.acknowledged._any.0"


def response_key(job: JobId, machine: str) -> str:
    """Key of a host's final answer in the bucket `job-responses`."""
    return f"responses.{job}.{token(machine)}"


def event_key_filter(job: JobId) -> str:
    """Every status event of one job."""
    return f"status.{job}.>"


def response_key_filter(job: JobId) -> str:
    """Every final answer to one job."""
    return f"responses.{job}.>"


def output(job: JobId, machine: MachineId) -> str:
    """Where a host publishes what a job gives out while it runs."""
    return f"output.{job}.{token(machine)}"


def output_filter(job: JobId | None) -> str:
    """The output of one job, or of all."""
    return OUTPUT_SUBJECTS if job is None else f"output.{job}.*"


def dead_letter(job: JobId, machine: str) -> str:
    """Where it is noted that a delivery came to nothing."""
    return f"dlq.jobs.{job}.{token(machine)}"
