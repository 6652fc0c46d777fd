"""What the routes about targets and facts take and give, as the REST API shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.endpoint import Endpoint
from osapi.contract.operation import Nothing


class TargetRequest(msgspec.Struct, kw_only=True):
    """A target, and what it would be used for."""

    target: Annotated[str, Meta(min_length=1, description="A target in the grammar of `/api/node/{hostname}`.")]
    permission: Annotated[
        str | None,
        Meta(
            description="Count the hosts on which you have this permission. Default: those on which you have all yours."
        ),
    ] = None


class TargetHost(msgspec.Struct, kw_only=True):
    """One host that is meant."""

    hostname: Annotated[str, Meta(description="Its present name.")]
    machine_id: Annotated[str, Meta(description="Permanent id of the host.")]


class TargetInfo(msgspec.Struct, kw_only=True):
    """Whom a target means now."""

    target: Annotated[str, Meta(description="The target as it was given.")]
    total: Annotated[int, Meta(description="How many hosts would do the work; 1 for `_any`.")]
    hosts: Annotated[
        list[TargetHost], Meta(description="The hosts by name; for `_any` those of which one would be taken.")
    ]
    undecided: Annotated[
        list[TargetHost], Meta(description="Hosts left out because the target asks for facts that they have not told.")
    ]


class FactKeyEntry(msgspec.Struct, kw_only=True):
    """A fact that can be referred to as `@fact.KEY`."""

    key: Annotated[str, Meta(description="Its key.")]
    description: Annotated[str, Meta(description="What it is.")]
    builtin: Annotated[bool, Meta(description="Whether every host may have it; custom facts are those of some hosts.")]


class FactKeys(msgspec.Struct, kw_only=True):
    """Facts that can be referred to."""

    keys: Annotated[list[FactKeyEntry], Meta(description="Built-in facts, then custom facts of the hosts you reach.")]


TARGET = Endpoint(
    operation_id="getTarget",
    method="GET",
    path="/api/target",
    permission="agent:read",
    summary="Tell whom a target means now, without doing anything.",
    tag="Agent",
    request=TargetRequest,
    response=TargetInfo,
)
FACT_KEYS = Endpoint(
    operation_id="GetFactKeys",
    method="GET",
    path="/api/facts/keys",
    permission="agent:read",
    summary="List the facts that requests and targets can refer to.",
    tag="Facts",
    request=Nothing,
    response=FactKeys,
)
