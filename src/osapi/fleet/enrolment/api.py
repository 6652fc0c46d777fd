"""What the enrolment routes take and give, as the REST API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing
from osapi.fleet.api import AgentRequest, Message

_TAG = "Agent"


class PendingAgent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A host that has asked to be enrolled."""

    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]
    hostname: Annotated[str, Meta(description="Its name, as it says.")]
    fingerprint: Annotated[
        str, Meta(description="Fingerprint of its key; `osapi client agent key fingerprint` prints it on the host.")
    ]
    requested_at: Annotated[datetime, Meta(description="When it first asked.")]
    token_id: Annotated[str, Meta(description="The join token that it came with.")] = ""
    reason: Annotated[str, Meta(description="Why it has not been accepted at once.")] = ""


class PendingAgents(msgspec.Struct, kw_only=True):
    """Hosts that wait for a decision, the longest first."""

    agents: Annotated[list[PendingAgent], Meta(description="The hosts.")]
    total: Annotated[int, Meta(description="How many they are.")]


class BarredKey(msgspec.Struct, kw_only=True):
    """A key that is accepted no more until somebody allows it."""

    fingerprint: Annotated[str, Meta(description="Its fingerprint, by which it is allowed again.")]
    machine_id: Annotated[str, Meta(description="Permanent id of the host that had it.")]
    since: Annotated[datetime, Meta(description="When it was barred.")]
    by: Annotated[str, Meta(description="Who barred it.")]
    reason: Annotated[str, Meta(description="Why: `rejected` or `revoked`.")]


class BarredKeys(msgspec.Struct, kw_only=True):
    """Keys that were rejected or revoked, the oldest first."""

    keys: Annotated[list[BarredKey], Meta(description="The keys.")]
    total: Annotated[int, Meta(description="How many they are.")]


class AcceptRequest(msgspec.Struct, kw_only=True):
    """Names the host to accept."""

    hostname: Annotated[str, Meta(min_length=1, max_length=255, description="Host name or machine id.")]
    fingerprint: Annotated[
        str, Meta(max_length=255, description="Only if its key has this fingerprint. Empty: whichever key it has.")
    ] = ""


class AllowRequest(msgspec.Struct, kw_only=True):
    """Names a barred key."""

    fingerprint: Annotated[
        str,
        Meta(pattern=r"^SHA256:[0-9a-f]{64}$(?!\n)", description="Fingerprint of a key that was rejected or revoked."),
    ]


class JoinTokenRequest(msgspec.Struct, kw_only=True):
    """What a join token shall be good for."""

    uses: Annotated[int, Meta(ge=1, le=100_000, description="Hosts that may come with it.")] = 1
    expires_s: Annotated[float, Meta(ge=1, le=30 * 86400, description="Seconds for which it is good.")] = 3600
    review: Annotated[bool, Meta(description="Whether hosts that come with it wait until somebody accepts them.")] = (
        False
    )
    servers: Annotated[
        list[Annotated[str, Meta(pattern=r"^(nats|tls)://[^\s/]+$(?!\n)")]],
        Meta(
            max_length=16,
            description="Addresses of the broker for these hosts. Empty: as the controller's settings say.",
        ),
    ] = []


class JoinTokenInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A join token, without its secret."""

    id: Annotated[str, Meta(description="By which it is named.")]
    uses: Annotated[int, Meta(description="Hosts that may still come with it.")]
    expires_at: Annotated[datetime | None, Meta(description="Until when. Absent: until it is used up.")] = None
    review: Annotated[bool, Meta(description="Whether its hosts wait until somebody accepts them.")]
    created_at: Annotated[datetime, Meta(description="When it was made.")]
    created_by: Annotated[str, Meta(description="Who made it.")]


class JoinTokenMade(JoinTokenInfo, kw_only=True):
    """A new join token. Its text is shown this once."""

    token: Annotated[str, Meta(description="What the host is given, as `osapi agent start --join TOKEN`.")]


class JoinTokens(msgspec.Struct, kw_only=True):
    """Join tokens, the oldest first."""

    tokens: Annotated[list[JoinTokenInfo], Meta(description="The tokens.")]
    total: Annotated[int, Meta(description="How many they are.")]


class JoinTokenName(msgspec.Struct, kw_only=True):
    """Names a join token."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{8,64}$(?!\n)", description="Id of the token.")]


PENDING = Endpoint(
    operation_id="getAgentsPending",
    method="GET",
    path="/api/agent/pending",
    permission="agent:read",
    summary="List hosts that wait to be accepted.",
    tag=_TAG,
    request=Nothing,
    response=PendingAgents,
)
ACCEPT = Endpoint(
    operation_id="acceptAgent",
    method="POST",
    path="/api/agent/{hostname}/accept",
    permission="agent:write",
    summary="Accept a host that waits; it is known by its key from then on.",
    tag=_TAG,
    request=AcceptRequest,
    response=Message,
    in_query=True,
)
REJECT = Endpoint(
    operation_id="rejectAgent",
    method="POST",
    path="/api/agent/{hostname}/reject",
    permission="agent:write",
    summary="Reject a host that waits; its key is accepted no more.",
    tag=_TAG,
    request=AgentRequest,
    response=Message,
    in_query=True,
)
REVOKE = Endpoint(
    operation_id="revokeAgent",
    method="POST",
    path="/api/agent/{hostname}/revoke",
    permission="agent:write",
    summary="Cut an agent off at once; its key is accepted no more.",
    tag=_TAG,
    request=AgentRequest,
    response=Message,
    in_query=True,
)
BARRED = Endpoint(
    operation_id="getBarredKeys",
    method="GET",
    path="/api/agent/barred",
    permission="agent:read",
    summary="List keys that were rejected or revoked.",
    tag=_TAG,
    request=Nothing,
    response=BarredKeys,
)
ALLOW = Endpoint(
    operation_id="allowAgentKey",
    method="POST",
    path="/api/agent/allow",
    permission="agent:write",
    summary="Let a key that was rejected or revoked join again, with a new join token.",
    tag=_TAG,
    request=AllowRequest,
    response=Message,
)
MAKE_TOKEN = Endpoint(
    operation_id="createJoinToken",
    method="POST",
    path="/api/agent/join-token",
    permission="agent:write",
    summary="Make a join token, with which hosts ask to be enrolled.",
    tag=_TAG,
    request=JoinTokenRequest,
    response=JoinTokenMade,
    status=201,
    body_required=False,
)
TOKENS = Endpoint(
    operation_id="getJoinTokens",
    method="GET",
    path="/api/agent/join-token",
    permission="agent:read",
    summary="List join tokens, without their secrets.",
    tag=_TAG,
    request=Nothing,
    response=JoinTokens,
)
DROP_TOKEN = Endpoint(
    operation_id="deleteJoinToken",
    method="DELETE",
    path="/api/agent/join-token/{id}",
    permission="agent:write",
    summary="Revoke a join token; who has joined with it stays.",
    tag=_TAG,
    request=JoinTokenName,
    response=Message,
)
