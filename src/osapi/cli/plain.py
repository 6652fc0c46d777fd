"""Commands written by hand that ask the controller itself: their options, and one way to run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from osapi.cli import asking, exit_status, session, terminal
from osapi.cli.option import Option, values
from osapi.cli.tree import Leaf, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osapi.cli.terminal import Terminal
    from osapi.sdk.raw import RawClient

    Values = Mapping[str, Any]
    Work = Callable[[Values, RawClient, Terminal], int]
    Show = Callable[[Mapping[str, Any], Terminal], None]


class Plain(NamedTuple):
    """One command. `work` takes the values of the options, does everything, and returns the exit status.

    `asks_hosts` tells that a refusal which names a job is that of the one host that was asked.
    """

    summary: str
    options: tuple[Option, ...]
    work: Work
    asks_hosts: bool = False


def leaf(words: str, command: Plain | None) -> Leaf | None:
    """The command as a leaf of the tree; None for none."""
    if command is None:
        return None
    options = command.options + shared_options()

    def run(given: Mapping[str, Any], environ: Mapping[str, str]) -> int:
        known = values(options, given)
        term = terminal.of_process(environ)
        return session.run(
            lambda client: command.work(known, client, term),
            term,
            environ,
            url=known.get("url"),
            ca_file=known.get("ca_file"),
            pin=known.get("pin"),
            osapi_file=known.get("osapi_file"),
            as_json=known.get("json", False),
            debug=known.get("debug", False),
            asks_hosts=command.asks_hosts,
        )

    return Leaf(words, command.summary, options, run)


def show(known: Values, body: bytes, term: Terminal, draw: Show) -> int:
    """Print an answer as it came, or drawn."""
    if known.get("json"):
        term.say_bytes(body)
    else:
        draw(asking.json_object(body), term)
    return exit_status.OK
