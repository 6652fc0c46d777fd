"""The commands below `osapi client facts`. The facts of one host are shown by `agent get`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

_HEADERS = ("KEY", "BUILT IN", "DESCRIPTION")


def find(words: str) -> Leaf | None:
    """The command of these words, for example `facts keys`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def _keys(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.fact_keys()).body, term, _draw_keys)


def _draw_keys(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli import table
    from osapi.cli.cells import cell

    keys = cast("list[dict[str, Any]]", told.get("keys") or [])
    table.draw(term, _HEADERS, [[cell(key.get(name)) for name in ("key", "builtin", "description")] for key in keys])


_COMMANDS = {
    "facts keys": Plain(
        "List the facts that requests (@fact.KEY) and targets (@fact.KEY:VALUE) can refer to.", (), _keys
    ),
}
