"""What to do about the static routes of an interface, given what is on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from osapi.contract.errors import NotFound, Protected
from osapi.domains.route.models import Route, RouteCreate, RouteInfo, RouteUpdate
from osapi.host import links
from osapi.host.plan import Plan
from osapi.netplan import change
from osapi.netplan.change import Wanted
from osapi.netplan.seen import Seen, check_managed, check_new

KIND = "routes"

_decode = msgspec.json.Decoder(list[Route]).decode


def create(request: RouteCreate, seen: Seen) -> Plan:
    """Keep static routes where none are managed yet, or repair those that are.

    Raises `NotFound` when there is no such interface, `Protected` for a default route unless forced, `Conflict`.
    """
    wanted = _wanted(request)
    check_new(seen, wanted.config, replace=request.replace)
    return _put(request, wanted, seen, adopt=request.adopt)


def update(request: RouteUpdate, seen: Seen) -> Plan:
    """Replace the managed routes. Raises `NotManaged` where there are none, and as `create` does."""
    check_managed(seen)
    return _put(request, _wanted(request), seen)


def managed(config: str) -> list[Route]:
    """The routes that are kept, from what was noted."""
    return _decode(config)


def infos(routes: Iterable[links.Route], kept: dict[str, list[Route]]) -> list[RouteInfo]:
    """What is told: the kernel's routes, then those of `kept` (by interface) that it does not have."""
    left = {name: list(mine) for name, mine in kept.items()}
    found = [_info(route, _take(route, left.get(route.interface, []))) for route in routes]
    return found + [_missing(name, route) for name, mine in left.items() for route in mine]


def _put(request: RouteUpdate, wanted: Wanted, seen: Seen, *, adopt: bool = False) -> Plan:
    if seen.link is None:
        raise NotFound(f"there is no interface {seen.name} on this host")
    everything = [route for route in request.routes if route.destination.prefixlen == 0]
    if everything and not request.force:
        raise Protected(f"{everything[0].to} is a default route, which decides how this host is reached; set force")
    return change.put(seen, wanted, adopt=adopt)


def _wanted(request: RouteUpdate) -> Wanted:
    return Wanted(
        definition={"routes": [_definition(route) for route in request.routes]},
        config=msgspec.json.encode(request.routes).decode(),
        take_over=request.take_over,
    )


def _definition(route: Route) -> dict[str, Any]:
    """A route in the words of netplan(5)."""
    said = {
        "to": str(route.destination),
        "via": str(route.router),
        "metric": route.metric,
        "on-link": route.on_link or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _take(route: links.Route, left: list[Route]) -> bool:
    """Whether the route is one of those, which is then taken out of them."""
    for kept in left:
        if _is_same(route, kept):
            left.remove(kept)
            return True
    return False


def _is_same(route: links.Route, kept: Route) -> bool:
    is_metric = kept.metric is None or kept.metric == route.metric
    return is_metric and (route.destination, route.gateway) == (_spelled(kept), str(kept.router))


def _spelled(kept: Route) -> str:
    """The destination as the kernel is asked for it."""
    return links.DEFAULT if kept.destination.prefixlen == 0 else str(kept.destination)


def _info(route: links.Route, is_managed: bool) -> RouteInfo:
    return RouteInfo(
        destination=route.destination,
        gateway=route.gateway,
        interface=route.interface,
        metric=route.metric,
        scope=route.scope,
        protocol=route.protocol,
        family=route.family,
        managed=is_managed,
        active=True,
    )


def _missing(interface: str, route: Route) -> RouteInfo:
    return RouteInfo(
        destination=_spelled(route),
        gateway=str(route.router),
        interface=interface,
        metric=route.metric or 0,
        family="inet" if route.destination.version == 4 else "inet6",
        managed=True,
        active=False,
    )
