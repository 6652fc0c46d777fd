"""What the route operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from osapi.contract import network
from osapi.contract.network import Adopt, InterfaceName, Replace, TakeOver
from osapi.contract.operation import Change

Named = Annotated[InterfaceName, Meta(extra={"flag": "interface"})]


Metric = Annotated[int, Meta(ge=0, le=4294967295)]


class Route(Struct, kw_only=True, omit_defaults=True):
    """A static route."""

    to: Annotated[
        str,
        Meta(
            description="The network that is reached by it, with the length of its prefix, or `default`.",
            examples=["198.51.100.0/24"],
        ),
    ]
    via: Annotated[str, Meta(description="Address of the router.", examples=["192.0.2.1"])]
    metric: Annotated[Metric | None, Meta(description="Of two routes to one network the lower one counts.")] = None
    on_link: Annotated[bool, Meta(description="The router is on this link, though no address here says so.")] = False

    def __post_init__(self) -> None:
        if self.destination.version != self.router.version:
            raise ValueError(f"via: {self.via} and {self.to} are of different families; use IPv4 or IPv6 for both")

    @property
    def destination(self) -> network.Network:
        """The network that is reached."""
        if self.to == "default":
            return network.network("0.0.0.0/0" if self.router.version == 4 else "::/0", "to")
        return network.network(self.to, "to")

    @property
    def router(self) -> network.Address:
        """The router's address."""
        return network.gateway(self.via, "via")


class RouteQuery(Struct, kw_only=True):
    """Names the interface whose routes are meant."""

    interface_name: Named = field(name="interfaceName")


class RouteUpdate(Struct, kw_only=True):
    """All static routes that OSAPI shall keep for an interface."""

    interface_name: Named = field(name="interfaceName")
    routes: Annotated[
        list[Route],
        Meta(
            description="The routes. On the command line each is written as in ip-route(8): "
            "`198.51.100.0/24 via 192.0.2.1 metric 100`.",
            min_length=1,
            max_length=256,
            extra={"flag": "route"},
        ),
    ]
    force: Annotated[bool, Meta(description="Also routes for everything, which decide how the host is reached.")] = (
        False
    )
    take_over: TakeOver = False

    def __post_init__(self) -> None:
        known = [(route.destination, route.metric) for route in self.routes]
        for route in self.routes:
            if known.count((route.destination, route.metric)) > 1:
                raise ValueError(f"routes: {route.to} is given twice with the same metric; give each another one")


class RouteCreate(RouteUpdate, kw_only=True):
    """All static routes that OSAPI shall keep for an interface that has none of it yet."""

    replace: Replace = False
    adopt: Adopt = False


class RouteInfo(Struct, kw_only=True, omit_defaults=True):
    """One route."""

    destination: Annotated[str, Meta(description="The network that is reached, or `default`.")]
    interface: Annotated[str, Meta(description="The interface it leads through.")]
    family: Annotated[str, Meta(description="`inet` or `inet6`.")]
    managed: Annotated[bool, Meta(description="Whether OSAPI keeps it.")]
    active: Annotated[bool, Meta(description="Whether the kernel has it; a managed one may be missing.")]
    gateway: Annotated[str, Meta(description="The router; absent for a network that is reached directly.")] = ""
    metric: Annotated[int, Meta(description="Of two routes to one network the lower one counts.")] = 0
    scope: Annotated[str, Meta(description="`global` through a router, `link` directly.")] = ""
    protocol: Annotated[str, Meta(description="Who made it, for example `kernel`, `static` or `dhcp`.")] = ""


class RouteReport(Struct, kw_only=True):
    """The routes that were asked for."""

    routes: Annotated[list[RouteInfo], Meta(description="IPv4 first, in the kernel's order.")]


class RouteChange(Change, kw_only=True):
    """What became of the routes of an interface."""

    interface: Annotated[str, Meta(description="Name of the interface.")]
