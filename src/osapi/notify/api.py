"""What the notification routes take and give, as the REST API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing

_TAG = "Notification"
_Line = Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")


class NotifierInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How one notifier fares."""

    name: Annotated[str, Meta(description="Its name in the settings.")]
    delivered: Annotated[int, Meta(description="Messages that it has taken.")]
    failed: Annotated[int, Meta(description="Messages that were given up.")]
    waiting: Annotated[int, Meta(description="Messages that wait to be sent, or to be tried again.")]
    last_success: Annotated[datetime | None, Meta(description="When it last took one; absent: never.")] = None
    error: Annotated[str, Meta(description="Why it did not take the last one; absent when it did.")] = ""


class MatterInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that is wrong."""

    condition: Annotated[str, Meta(description="What is wrong.")]
    name: Annotated[str, Meta(description="The host or program.")]
    subject: Annotated[str, Meta(description="Its machine id; absent where there is none.")] = ""
    reason: Annotated[str, Meta(description="The figures behind it, as it began.")] = ""
    since: Annotated[datetime, Meta(description="Since when it is so.")]
    told: Annotated[bool, Meta(description="Whether people have been told.")]
    silenced: Annotated[bool, Meta(description="Whether a silence holds it back.")]
    flapping: Annotated[bool, Meta(description="Whether it comes and goes.")]


class NotificationList(msgspec.Struct, kw_only=True):
    """What is wrong now with what the caller reaches, and how people are told."""

    enabled: Annotated[bool, Meta(description="Whether people are told.")]
    notifiers: Annotated[list[NotifierInfo], Meta(description="How they are told.")]
    items: Annotated[list[MatterInfo], Meta(description="What is wrong, the newest first.")]
    total: Annotated[int, Meta(description="How much that is.")]


class TestRequest(msgspec.Struct, kw_only=True):
    """Which notifier to try."""

    notifier: Annotated[str | None, Meta(description="Its name. Absent: all that are used.")] = None


class TestResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of the message to one notifier."""

    notifier: Annotated[str, Meta(description="Its name.")]
    delivered: Annotated[bool, Meta(description="Whether it took the message.")]
    error: Annotated[str, Meta(description="Why not; absent when it did.")] = ""


class TestReport(msgspec.Struct, kw_only=True):
    """What became of the test messages."""

    items: Annotated[list[TestResult], Meta(description="One for each notifier.")]


class SilenceRequest(msgspec.Struct, kw_only=True):
    """What is not to be told for a while. What matches everything that is given is; nothing given: everything."""

    host: Annotated[str, _Line, Meta(description="Host name, which may hold `*` and `?`, or machine id.")] = ""
    label: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9_-]+:[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?$(?!\n)",
            description="Hosts with this label or one below it, as `group:web`.",
        ),
    ] = ""
    condition: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z]{0,64}$(?!\n)", description="A condition, such as HighLoad or ComponentUnreachable."),
    ] = ""
    ends_at: Annotated[datetime, Meta(tz=True, description="When it ends. What is wrong then is told then.")]
    reason: Annotated[str, _Line, Meta(min_length=1, description="Why, for those who wonder later.")]


class SilenceInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One silence."""

    id: Annotated[str, Meta(description="Its id.")]
    host: Annotated[str, Meta(description="Host name or machine id; absent: every one.")] = ""
    label: Annotated[str, Meta(description="Label; absent: with any.")] = ""
    condition: Annotated[str, Meta(description="Condition; absent: every one.")] = ""
    ends_at: Annotated[datetime, Meta(description="When it ends.")]
    created_at: Annotated[datetime, Meta(description="When it was made.")]
    author: Annotated[str, Meta(description="Who made it.")]
    reason: Annotated[str, Meta(description="Why.")]


class SilenceList(msgspec.Struct, kw_only=True):
    """Silences that hold now."""

    items: Annotated[list[SilenceInfo], Meta(description="Those that end first, first.")]
    total: Annotated[int, Meta(description="How many they are.")]


class SilenceId(msgspec.Struct, kw_only=True):
    """Names one silence."""

    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)", description="Its id.")]


LIST = Endpoint(
    operation_id="getNotifications",
    method="GET",
    path="/api/notify",
    permission="notify:read",
    summary="Show what is wrong now, and how people are told.",
    tag=_TAG,
    request=Nothing,
    response=NotificationList,
)
TEST = Endpoint(
    operation_id="postNotifyTest",
    method="POST",
    path="/api/notify/test",
    permission="notify:write",
    summary="Send a message that tells of nothing, to see whether it arrives.",
    tag=_TAG,
    request=TestRequest,
    response=TestReport,
    body_required=False,
)
SILENCES = Endpoint(
    operation_id="getNotifySilences",
    method="GET",
    path="/api/notify/silence",
    permission="notify:read",
    summary="List what is not told for a while.",
    tag=_TAG,
    request=Nothing,
    response=SilenceList,
)
SILENCE = Endpoint(
    operation_id="postNotifySilence",
    method="POST",
    path="/api/notify/silence",
    permission="notify:write",
    summary="Do not tell something for a while.",
    tag=_TAG,
    request=SilenceRequest,
    response=SilenceInfo,
    status=201,
)
UNSILENCE = Endpoint(
    operation_id="deleteNotifySilence",
    method="DELETE",
    path="/api/notify/silence/{id}",
    permission="notify:write",
    summary="End a silence before its time.",
    tag=_TAG,
    request=SilenceId,
    response=SilenceInfo,
)
