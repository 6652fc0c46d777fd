"""The tree of routes."""

from __future__ import annotations

import pytest

from osapi.controller.answer import Answer
from osapi.controller.exchange import Exchange
from osapi.controller.routing import Route, RouteTree


async def _serve(_: Exchange) -> Answer:
    return Answer(200)


def route(method: str, path: str, *, stream: bool = False) -> Route:
    return Route(method=method, path=path, permission=None, serve=_serve, stream=stream)


TREE = RouteTree(
    [
        route("GET", "/api/agent"),
        route("GET", "/api/agent/pending"),
        route("GET", "/api/agent/{hostname}"),
        route("POST", "/api/agent/{hostname}/drain"),
        route("POST", "/api/package/update"),
        route("GET", "/api/package/{name}"),
        route("DELETE", "/api/package/{name}"),
        route("GET", "/api/{a}/x/{b}"),
        route("GET", "/api/events", stream=True),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "found", "values"),
    [
        ("GET", "/api/agent", "/api/agent", ()),
        ("GET", "/api/agent/web-01", "/api/agent/{hostname}", ("web-01",)),
        ("GET", "/api/agent/pending", "/api/agent/pending", ()),
        ("POST", "/api/agent/pending/drain", "/api/agent/{hostname}/drain", ("pending",)),
        ("POST", "/api/package/update", "/api/package/update", ()),
        ("GET", "/api/package/update", "/api/package/{name}", ("update",)),
        ("DELETE", "/api/package/a%2Fb", "/api/package/{name}", ("a%2Fb",)),
        ("GET", "/api/agent/x/1", "/api/{a}/x/{b}", ("agent", "1")),
        ("HEAD", "/api/agent", "/api/agent", ()),
    ],
)
def test_a_path_finds_its_route(method: str, path: str, found: str, values: tuple[str, ...]) -> None:
    match = TREE.find(method, path)
    assert match is not None
    assert (match[0].path, match[1]) == (found, values)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/api"),
        ("GET", "/api/"),
        ("GET", "/api/agent/"),
        ("GET", "//api/agent"),
        ("GET", "/api//x/"),
        ("GET", "/api/agent/a/b/c"),
        ("GET", "/API/agent"),
        ("GET", "/api/%61gent"),
        ("PUT", "/api/agent"),
        ("HEAD", "/api/events"),
        ("get", "/api/agent"),
    ],
)
def test_what_is_not_declared_is_not_found(method: str, path: str) -> None:
    assert TREE.find(method, path) is None


def test_the_methods_of_a_path_are_those_of_every_route_that_takes_it() -> None:
    assert TREE.allowed("/api/package/update") == ["DELETE", "GET", "HEAD", "POST"]
    assert TREE.allowed("/api/events") == ["GET"]
    assert TREE.allowed("/api/none") == []


def test_two_routes_in_one_place_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        RouteTree([route("GET", "/api/{a}"), route("GET", "/api/{b}")])
