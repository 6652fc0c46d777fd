"""The operations on name servers."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Kind, Operation
from osapi.domains.dns.models import DnsChange, DnsConfig, DnsQuery, DnsRef, DnsUpdate

_LOCK = "network"
_DEADLINE = timedelta(minutes=3)
"""Time to apply a change, to see whether the host is still reached, and to undo it."""

GET = Operation(
    name="network.dns.get",
    operation_id="GetNodeNetworkDNSByInterface",
    kind=Kind.QUERY,
    request=DnsQuery,
    result=DnsConfig,
    permission="network:read",
    route=("GET", "/network/dns/{interfaceName}"),
    command=("node", "network", "dns", "get"),
    summary="Show the name servers of an interface.",
    columns=(Column("SERVERS", "servers"), Column("SEARCH DOMAINS", "search_domains")),
)

UPDATE = Operation(
    name="network.dns.update",
    operation_id="PutNodeNetworkDNS",
    kind=Kind.MODIFY,
    request=DnsUpdate,
    result=DnsChange,
    permission="network:write",
    route=("PUT", "/network/dns"),
    command=("node", "network", "dns", "update"),
    summary="Keep name servers and search domains for an interface.",
    status=202,
    deadline=_DEADLINE,
    lock=_LOCK,
)

DELETE = Operation(
    name="network.dns.delete",
    operation_id="DeleteNodeNetworkDNS",
    kind=Kind.MODIFY,
    request=DnsRef,
    result=DnsChange,
    permission="network:write",
    route=("DELETE", "/network/dns"),
    command=("node", "network", "dns", "delete"),
    summary="Remove the name servers that OSAPI keeps for an interface.",
    deadline=_DEADLINE,
    lock=_LOCK,
)

OPERATIONS = (GET, UPDATE, DELETE)
