"""The operations on network interfaces."""

from __future__ import annotations

from osapi.contract.network import CHANGE_DEADLINE, CHANGE_LOCK
from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.interface.models import (
    InterfaceChange,
    InterfaceCreate,
    InterfaceFound,
    InterfaceList,
    InterfaceRef,
    InterfaceUpdate,
)

_CHANGE = (Column("NAME", "name"),)

LIST = Operation(
    name="network.interface.list",
    operation_id="GetNodeNetworkInterface",
    kind=Kind.QUERY,
    request=Nothing,
    result=InterfaceList,
    permission="network:read",
    route=("GET", "/network/interface"),
    command=("node", "network", "interface", "list"),
    summary="List the network interfaces.",
    columns=(
        Column("NAME", "interfaces[].name"),
        Column("IPV4", "interfaces[].ipv4"),
        Column("DHCP", "interfaces[].dhcp4"),
        Column("PRIMARY", "interfaces[].primary"),
    ),
)

GET = Operation(
    name="network.interface.get",
    operation_id="GetNodeNetworkInterfaceByName",
    kind=Kind.QUERY,
    request=InterfaceRef,
    result=InterfaceFound,
    permission="network:read",
    route=("GET", "/network/interface/{name}"),
    command=("node", "network", "interface", "get"),
    summary="Show one network interface.",
    columns=(
        Column("NAME", "interface.name"),
        Column("STATE", "interface.state"),
        Column("ADDRESSES", "interface.addresses"),
        Column("DHCP4", "interface.dhcp4"),
        Column("DHCP6", "interface.dhcp6"),
        Column("GATEWAY4", "interface.gateway4"),
        Column("GATEWAY6", "interface.gateway6"),
        Column("MTU", "interface.mtu"),
        Column("MAC ADDRESS", "interface.mac_address"),
        Column("WAKE-ON-LAN", "interface.wakeonlan"),
    ),
)

CREATE = Operation(
    name="network.interface.create",
    operation_id="PostNodeNetworkInterface",
    kind=Kind.MODIFY,
    request=InterfaceCreate,
    result=InterfaceChange,
    permission="network:write",
    route=("POST", "/network/interface/{name}"),
    command=("node", "network", "interface", "create"),
    summary="Configure a network interface, or make a VLAN.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

UPDATE = Operation(
    name="network.interface.update",
    operation_id="PutNodeNetworkInterface",
    kind=Kind.MODIFY,
    request=InterfaceUpdate,
    result=InterfaceChange,
    permission="network:write",
    route=("PUT", "/network/interface/{name}"),
    command=("node", "network", "interface", "update"),
    summary="Change the configuration of a managed network interface.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

DELETE = Operation(
    name="network.interface.delete",
    operation_id="DeleteNodeNetworkInterface",
    kind=Kind.MODIFY,
    request=InterfaceRef,
    result=InterfaceChange,
    permission="network:write",
    route=("DELETE", "/network/interface/{name}"),
    command=("node", "network", "interface", "delete"),
    summary="Remove OSAPI's configuration of a network interface.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE)
