"""Every command below `osapi client`, by its words; each area is imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from osapi.cli.option import CLIENT_OPTIONS, ROOT_OPTIONS, Option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    Run = Callable[[Mapping[str, Any], Mapping[str, str]], int]

    class Area(Protocol):
        """What a module of an area offers."""

        def find(self, words: str, /) -> Leaf | None:
            """The command of these words."""
            ...

        def lines(self) -> dict[str, str]:
            """Every group and command by its words, with a line of help."""
            ...


AREAS = {
    "agent": "Look at the hosts of the fleet.",
    "audit": "Look at who asked for what, and whether that was tampered with.",
    "controller": "Look at the controller's key on this machine.",
    "facts": "Look at what hosts tell of themselves.",
    "file": "Look at uploaded files, upload and download them.",
    "health": "Ask whether the controller can work.",
    "job": "Look at jobs, repeat and stop them.",
    "node": "Ask hosts, and change them.",
    "notify": "Look at what is wrong and how people are told; silence and test it.",
    "token": "Look at tokens that are refused, and refuse more.",
}
"""Each is the module `osapi.cli.<area>` with `find` and `lines`, unless `_MODULES` says otherwise."""

_MODULES = {"token": "token_revoking"}
"""Where the name of an area is that of a command beside `client`."""


class Leaf(NamedTuple):
    """One command. `run` takes what was given on the line, by `Option.dest`, and the environment.

    `run` returns the exit status and raises `BadUsage`.
    """

    words: str
    summary: str
    options: tuple[Option, ...]
    run: Run


def find(words: str) -> Leaf | None:
    """The command of these words, for example `node sysctl get`."""
    area = _area(words)
    return None if area is None else area.find(words)


def below(words: str) -> dict[str, str]:
    """The words that may follow `words`, each with a line of help."""
    area = _area(words)
    if area is None:
        return AREAS
    told = area.lines()
    return {name[len(words) + 1 :]: text for name, text in told.items() if name.rpartition(" ")[0] == words}


def group_options(words: str) -> tuple[Option, ...]:
    """The options that a group takes for all commands below it."""
    if words == "":
        return CLIENT_OPTIONS
    if words == "node":
        from osapi.cli import node

        return node.NODE_OPTIONS
    return ()


def shared_options() -> tuple[Option, ...]:
    """The options that every command takes."""
    return CLIENT_OPTIONS + ROOT_OPTIONS


def _area(words: str) -> Area | None:
    name = words.partition(" ")[0]
    if name not in AREAS:
        return None
    return cast("Area", importlib.import_module(f"osapi.cli.{_MODULES.get(name, name)}"))
