"""What is watched, what has been told of it, and what is on its way to people. Times are seconds since the epoch."""

from __future__ import annotations

import enum

import msgspec

UNREACHABLE, JOB_FAILED = "ComponentUnreachable", "JobFailed"
AUDIT_BROKEN, AGENT_PENDING = "AuditBroken", "AgentPending"
ONCE = frozenset({JOB_FAILED, AGENT_PENDING})
"""Conditions that are told when they begin and not when they end."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is wrong now. `key` tells it from everything else, over restarts and between controllers."""

    key: str
    condition: str
    """A condition of the registry, or one of those above."""
    subject: str
    """Whom it is about: a machine id, or the name of a program. Empty: nobody in particular."""
    name: str
    """The subject for people."""
    labels: dict[str, str] = {}
    reason: str = ""
    since: float


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that is wrong at one moment. What is about a subject that is not `known` any more ends without a word.

    Of the conditions in `unjudged` nothing can be said at this moment: they stay as they were.
    """

    findings: dict[str, Finding]
    known: frozenset[str] = frozenset()
    unjudged: frozenset[str] = frozenset()


class Change(enum.Enum):
    """What there is to tell of a finding."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REPEATED = "repeated"
    """It holds still."""
    FLAPPING = "flapping"
    """It comes and goes; more is told when it keeps still."""


class Matter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding as it was last seen, and what people know of it."""

    finding: Finding
    firing: bool
    changed: float
    """When this began or ended, as it was noticed."""
    told: bool = False
    """Whether people believe that it is so."""
    told_at: float = 0.0
    history: tuple[float, ...] = ()
    """When it began or ended, lately."""
    flapping: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change that is told."""

    change: Change
    finding: Finding
    at: float


class Letter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one notifier, kept until it is delivered or given up.

    `counts` are all its events by change and condition, `events` the first of them. `left_out`: how many messages, and how many
    events in them, were not sent before it for there were too many.
    """

    id: int
    notifier: str
    created: float
    counts: dict[str, int] = {}
    events: tuple[Event, ...] = ()
    left_out: tuple[int, int] = (0, 0)
    attempts: int = 0
    due: float = 0.0


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one notifier fares. `error` is what went wrong last; empty when nothing has since the last success."""

    sent: tuple[float, ...] = ()
    """When it was sent something, as far as the rate limit looks back."""
    left_out: tuple[int, int] = (0, 0)
    """Messages and events that the rate limit left out and that no message has told of."""
    delivered: int = 0
    failed: int = 0
    last_success: float = 0.0
    error: str = ""


class Ledger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has been told, and what is to be. One document, changed as a whole."""

    began: float
    """When notifications were first switched on: what ended before is nobody's concern."""
    matters: dict[str, Matter] = {}
    letters: tuple[Letter, ...] = ()
    standings: dict[str, Standing] = {}
    numbered: int = 0
    """Id of the last letter."""


class Silence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whatever matches all that is not empty is not told before the end."""

    id: str
    host: str = ""
    """A host name, which may hold `*` and `?`, or a machine id."""
    label: str = ""
    """As `group:web`; what is below it too."""
    condition: str = ""
    ends_at: float
    reason: str
    author: str
    created_at: float
