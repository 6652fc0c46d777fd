"""The commands below `osapi client health`: whether the controller answers, and whether it can work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.cli import exit_status
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls, errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from osapi.cli.plain import Show, Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient


def find(words: str) -> Leaf | None:
    """The command of these words, for example `health ready`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def _liveness(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.health()).body, term, _draw)


def _ready(known: Values, client: RawClient, term: Terminal) -> int:
    """Not being ready is an answer, told like one, with exit status 1."""
    try:
        return show(known, client.send(calls.health_ready()).body, term, _draw)
    except errors.Unavailable as problem:
        show(known, problem.body, term, _draw)
        return exit_status.USAGE


def _status(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import health_report

    return show_status(known, client, term, health_report.status)


def show_status(known: Values, client: RawClient, term: Terminal, draw: Show) -> int:
    """Print how everything fares. Degraded is an answer, told like one, with exit status 1."""
    try:
        return show(known, client.send(calls.health_status()).body, term, draw)
    except errors.Unavailable as problem:
        if b'"components"' not in problem.body:
            raise
        show(known, problem.body, term, draw)
        return exit_status.USAGE


def _draw(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli.cells import cell
    from osapi.cli.report import pair

    pair(term, "Status", cell(told.get("status")))
    if told.get("error"):
        pair(term, "Error", cell(told["error"]))


_COMMANDS = {
    "health liveness": Plain("Tell whether the controller answers.", (), _liveness),
    "health ready": Plain("Tell whether the controller can take jobs; exit status 1 when it cannot.", (), _ready),
    "health status": Plain("Show how every component fares; exit status 1 when something is degraded.", (), _status),
}
