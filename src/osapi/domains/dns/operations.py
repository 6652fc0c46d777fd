"""The operations on name servers."""

from __future__ import annotations

from osapi.contract.network import CHANGE_DEADLINE, CHANGE_LOCK
from osapi.contract.operation import Column, Kind, Operation
from osapi.domains.dns.models import DnsChange, DnsConfig, DnsQuery, DnsRef, DnsUpdate

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
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
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
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

OPERATIONS = (GET, UPDATE, DELETE)
