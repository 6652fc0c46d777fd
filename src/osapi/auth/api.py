"""What the routes about tokens take and give, as the REST API shows it, and the facts of each route."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing
from osapi.contract.secret import Secret

_TAG = "Token"
_LONGEST = 1024


class TokenText(Secret):
    """A bearer token as it is sent."""

    longest = 8192
    pattern = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
    form = "three parts of base 64 with dots between them"


class RevokeRequest(msgspec.Struct, kw_only=True):
    """Which tokens to refuse from now on: exactly one of `token`, `id` and `subject`."""

    token: Annotated[
        Annotated[TokenText, Meta(extra_json_schema=TokenText.schema())] | None,
        Meta(description="The token itself."),
    ] = None
    id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=_LONGEST)] | None,
        Meta(description="Id of the token (`jti`), as the audit and the list of revoked ones show it."),
    ] = None
    subject: Annotated[
        Annotated[str, Meta(min_length=1, max_length=_LONGEST)] | None,
        Meta(description="Every token of this subject that was issued before `issued_before`."),
    ] = None
    issued_before: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="With `subject`. Not in the future. Default: now."),
    ] = None
    expires: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(
            description="With `id` or `subject`: when the last of these tokens ends by itself; the entry goes then. "
            "Default: not known, and the entry stays."
        ),
    ] = None
    reason: Annotated[str, Meta(max_length=_LONGEST, description="Why, for those who wonder later.")] = ""

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.token, self.id, self.subject)) != 1:
            raise ValueError("give exactly one of token, id and subject")
        if self.issued_before is not None and self.subject is None:
            raise ValueError("issued_before goes with subject only")
        if self.expires is not None and self.token is not None:
            raise ValueError("expires does not go with token, which says itself when it ends")


class RevokedTokens(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One token that is refused, or all of a subject that were issued before a time."""

    revoked_by: Annotated[str, Meta(description="Subject of whoever revoked.")]
    revoked_at: Annotated[datetime | None, Meta(description="When; absent when it is not known.")] = None
    id: Annotated[str, Meta(description="Id of the token; absent when all of a subject are meant.")] = ""
    subject: Annotated[str, Meta(description="Whose token it is, or whose tokens; absent when not known.")] = ""
    issued_before: Annotated[
        datetime | None, Meta(description="All tokens of the subject that were issued before are refused.")
    ] = None
    expires: Annotated[
        datetime | None,
        Meta(description="Until when it matters: the last of them ends by itself then. Absent: not known."),
    ] = None
    reason: Annotated[str, Meta(description="Why.")] = ""


class RevokedList(msgspec.Struct, kw_only=True):
    """Everything that is refused and would not have expired anyway."""

    total_items: Annotated[int, Meta(description="How many.")]
    items: Annotated[list[RevokedTokens], Meta(description="Those revoked last first.")]


LIST_REVOKED = Endpoint(
    operation_id="listRevokedTokens",
    method="GET",
    path="/api/token/revoked",
    permission="token:read",
    summary="List tokens that are refused although they have not expired.",
    tag=_TAG,
    request=Nothing,
    response=RevokedList,
)
REVOKE = Endpoint(
    operation_id="revokeToken",
    method="POST",
    path="/api/token/revoke",
    permission="token:write",
    summary="Refuse a token, or all tokens of a subject, on every controller from now on.",
    tag=_TAG,
    request=RevokeRequest,
    response=RevokedTokens,
)
