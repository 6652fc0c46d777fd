"""The operations on routes."""

from __future__ import annotations

from osapi.contract.network import CHANGE_DEADLINE, CHANGE_LOCK
from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.route.models import RouteChange, RouteCreate, RouteQuery, RouteReport, RouteUpdate

_CHANGE = (Column("INTERFACE", "interface"),)
_ROUTES = (
    Column("DESTINATION", "routes[].destination"),
    Column("GATEWAY", "routes[].gateway"),
    Column("INTERFACE", "routes[].interface"),
    Column("METRIC", "routes[].metric"),
)

LIST = Operation(
    name="network.route.list",
    operation_id="GetNodeNetworkRoute",
    kind=Kind.QUERY,
    request=Nothing,
    result=RouteReport,
    permission="network:read",
    route=("GET", "/network/route"),
    command=("node", "network", "route", "list"),
    summary="List the routes of the main table.",
    columns=_ROUTES,
)

GET = Operation(
    name="network.route.get",
    operation_id="GetNodeNetworkRouteByInterface",
    kind=Kind.QUERY,
    request=RouteQuery,
    result=RouteReport,
    permission="network:read",
    route=("GET", "/network/route/{interfaceName}"),
    command=("node", "network", "route", "get"),
    summary="Show the routes through one interface.",
    columns=_ROUTES,
)

CREATE = Operation(
    name="network.route.create",
    operation_id="PostNodeNetworkRoute",
    kind=Kind.MODIFY,
    request=RouteCreate,
    result=RouteChange,
    permission="network:write",
    route=("POST", "/network/route/{interfaceName}"),
    command=("node", "network", "route", "create"),
    summary="Keep static routes for an interface.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

UPDATE = Operation(
    name="network.route.update",
    operation_id="PutNodeNetworkRoute",
    kind=Kind.MODIFY,
    request=RouteUpdate,
    result=RouteChange,
    permission="network:write",
    route=("PUT", "/network/route/{interfaceName}"),
    command=("node", "network", "route", "update"),
    summary="Replace the static routes that OSAPI keeps for an interface.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

DELETE = Operation(
    name="network.route.delete",
    operation_id="DeleteNodeNetworkRoute",
    kind=Kind.MODIFY,
    request=RouteQuery,
    result=RouteChange,
    permission="network:write",
    route=("DELETE", "/network/route/{interfaceName}"),
    command=("node", "network", "route", "delete"),
    summary="Remove the static routes that OSAPI keeps for an interface.",
    columns=_CHANGE,
    deadline=CHANGE_DEADLINE,
    lock=CHANGE_LOCK,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE)
