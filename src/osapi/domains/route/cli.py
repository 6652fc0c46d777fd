"""How routes are written on the command line: as in ip-route(8), several with commas between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_FORM = "write TO via ADDRESS, and if need be metric NUMBER and onlink"


def routes(texts: Iterable[str]) -> list[dict[str, Any]]:
    """The field `routes` of a request. Raises `ValueError` for what cannot be read."""
    return [_route(part) for text in texts for part in text.split(",") if part.strip()]


def _route(text: str) -> dict[str, Any]:
    """`TO via ADDRESS [metric NUMBER] [onlink]`; for IPv4 also `TO:ADDRESS[:NUMBER]`."""
    words = text.split()
    if len(words) == 1 and "." in text and text.count(":") in (1, 2):
        to, via, *metric = text.strip().split(":")
        words = [to, "via", via, *(word for number in metric for word in ("metric", number))]
    to, *rest = words
    found: dict[str, Any] = {"to": to}
    while rest:
        word = rest.pop(0)
        if word == "onlink":
            found["on_link"] = True
        elif word in ("via", "metric") and rest:
            found[word] = rest.pop(0)
        else:
            raise ValueError(f"{text.strip()!r} is no route; {_FORM}")
    return _checked(found, text.strip())


def _checked(found: dict[str, Any], text: str) -> dict[str, Any]:
    if "via" not in found:
        raise ValueError(f"{text!r} names no router; {_FORM}")
    if "metric" in found:
        if not found["metric"].isdecimal():
            raise ValueError(f"{text!r}: the metric is no number; {_FORM}")
        found["metric"] = int(found["metric"])
    return found
