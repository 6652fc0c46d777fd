"""What the audit routes take and give, as the REST API shows it, and the facts of each route."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from osapi.audit.kind import Kind
from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing

_TAG = "Audit"
JSON_LINES = "application/x-ndjson"

EntryId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        description="Id of the entry, a UUID.",
        extra_json_schema={"format": "uuid"},
    ),
]
_Uuid = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]
_Time = Annotated[datetime, Meta(tz=True)]


class AuditFilters(msgspec.Struct, kw_only=True):
    """Which entries. What is left out matches everything."""

    user: Annotated[str | None, Meta(description="Only requests of this token subject.")] = None
    method: Annotated[str | None, Meta(description="Only requests with this HTTP method.")] = None
    path: Annotated[str | None, Meta(description="Only requests to this path and to those below it.")] = None
    operation: Annotated[
        str | None, Meta(description="Only this operation: its name, as node.sysctl.create, or its operationId.")
    ] = None
    status: Annotated[
        Annotated[int, Meta(ge=0, le=599)] | None,
        Meta(description="Only requests answered with this HTTP status; 0 for those whose outcome is not known."),
    ] = None
    kind: Annotated[Kind | None, Meta(description="Only reads, changes, refusals, or the audit's own remarks.")] = None
    job_id: Annotated[_Uuid | None, Meta(description="Only requests that made this job.")] = None
    source_ip: Annotated[str | None, Meta(description="Only requests from this address.")] = None
    since: Annotated[_Time | None, Meta(description="Only requests at or after this time.")] = None
    until: Annotated[_Time | None, Meta(description="Only requests before this time.")] = None


class AuditListRequest(AuditFilters, kw_only=True):
    """Filters and page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Most items to return.")] = 20
    offset: Annotated[int, Meta(ge=0, description="Items to leave out from the newest on.")] = 0
    cursor: Annotated[
        str | None, Meta(description="Where to go on: next_cursor of the page before. Replaces offset.")
    ] = None


class AuditRequest(msgspec.Struct, kw_only=True):
    """Names one entry."""

    id: EntryId


class AuditEntry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request, what came of it, and where that stands in the chain."""

    id: EntryId
    timestamp: Annotated[datetime, Meta(description="When the request came in.")]
    user: Annotated[str, Meta(description="Subject of the token; empty without a good one.")]
    roles: Annotated[list[str], Meta(description="Roles of the token.")]
    method: Annotated[str, Meta(description="HTTP method.")]
    path: Annotated[str, Meta(description="Path as it was sent, without the query.")]
    source_ip: Annotated[str, Meta(description="Address of the client; behind configured proxies the one they tell.")]
    response_code: Annotated[int, Meta(description="HTTP status of the answer; 0 while it is not known.")]
    duration_ms: Annotated[int, Meta(description="Time until the answer, in milliseconds.")]
    kind: Annotated[Kind, Meta(description="Why there is an entry.")]
    sequence: Annotated[int, Meta(description="Message of the stream in which the entry stands.")]
    operation_id: Annotated[str, Meta(description="The operationId of the route.")] = ""
    trace_id: Annotated[str, Meta(description="Id of the trace of which the request is part.")] = ""
    request_id: Annotated[str, Meta(description="Id of the request, as in the header X-Request-Id.")] = ""
    token_id: Annotated[str, Meta(description="Id of the token.")] = ""
    query: Annotated[str, Meta(description="Query as it was sent.")] = ""
    request: Annotated[Any, Meta(description="What was asked for, secrets left out.")] = None
    operation: Annotated[str, Meta(description="Name of the operation of the job.")] = ""
    target: Annotated[str, Meta(description="Target of the job.")] = ""
    hosts: Annotated[list[str] | None, Meta(description="Names of hosts that had to answer, up to 50.")] = None
    host_count: Annotated[int, Meta(description="How many hosts had to answer.")] = 0
    dry_run: Annotated[bool, Meta(description="Whether it was only asked what would change.")] = False
    job_id: Annotated[str, Meta(description="Id of the job.")] = ""
    code: Annotated[str, Meta(description="Code of the error that was answered.")] = ""
    host_states: Annotated[
        dict[str, int] | None,
        Meta(description="How many hosts were in each state at the end of the job; before that, when it was answered."),
    ] = None
    failed_hosts: Annotated[list[str] | None, Meta(description="Names of hosts that did not do it, up to 50.")] = None
    count: Annotated[int, Meta(description="How many refusals this entry stands for.")] = 1
    until: Annotated[datetime | None, Meta(description="When the last of them came in.")] = None
    remark: Annotated[str, Meta(description="What the audit tells about itself.")] = ""


class AuditEntryResponse(msgspec.Struct, kw_only=True):
    """One entry."""

    entry: Annotated[AuditEntry, Meta(description="The entry.")]


class ListAuditResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Entries, in a list newest first, in an export oldest first."""

    total_items: Annotated[int, Meta(description="How many entries match.")]
    items: Annotated[list[AuditEntry], Meta(description="Those of this page.")]
    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; absent on the last.")] = None


class ChainStart(msgspec.Struct, kw_only=True):
    """First line of the chain."""

    public_key: Annotated[str, Meta(description="Key with which the controller signs, in PEM.")]
    rotations: Annotated[
        msgspec.Raw, Meta(description="How it took the place of former keys: a list of links, oldest first.")
    ] = msgspec.Raw(b"[]")
    keeps_s: Annotated[float, Meta(description="Seconds after which a message goes; 0 never.")]


class ChainMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message of the chain, as stored; or, in the last line, the controller's signed word about its end."""

    sequence: Annotated[int, Meta(description="Its sequence in the stream.")]
    message: Annotated[str, Meta(description="Its bytes, which are UTF-8: a header, a line break, what is signed.")]
    head: Annotated[bool, Meta(description="Whether this is the word about the end.")] = False


LIST = Endpoint(
    operation_id="GetAuditLogs",
    method="GET",
    path="/api/audit",
    permission="audit:read",
    summary="List audit entries, newest first.",
    tag=_TAG,
    request=AuditListRequest,
    response=ListAuditResponse,
)
EXPORT = Endpoint(
    operation_id="GetAuditExport",
    method="GET",
    path="/api/audit/export",
    permission="audit:read",
    summary="Give all entries, oldest first, as one object or with `Accept: application/x-ndjson` as a line each.",
    tag=_TAG,
    request=AuditFilters,
    response=ListAuditResponse,
)
CHAIN = Endpoint(
    operation_id="GetAuditChain",
    method="GET",
    path="/api/audit/chain",
    permission="audit:read",
    summary="Give the chain as it is stored, for verification: `ChainStart`, then one `ChainMessage` a line.",
    tag=_TAG,
    request=Nothing,
    response=ChainMessage,
    lines=JSON_LINES,
)
GET = Endpoint(
    operation_id="GetAuditLogByID",
    method="GET",
    path="/api/audit/{id}",
    permission="audit:read",
    summary="Show one audit entry.",
    tag=_TAG,
    request=AuditRequest,
    response=AuditEntryResponse,
)
