"""Runs a plain, correct line of `osapi client …` without the CLI framework.

Importing click costs more than everything else that such a command does. This reads the same options
from the same tables; whatever is not plain (help, a mistake, completion, another command) it leaves to
click, which has the words for it. A test holds both readings against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osapi.cli import tree
from osapi.cli.option import ROOT_OPTIONS, BadUsage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osapi.cli.option import Option
    from osapi.cli.tree import Leaf


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Run the line and return its exit status; None when it is not for us."""
    if "client" not in arguments or "_OSAPI_COMPLETE" in environ:
        return None
    found = parse(arguments)
    if found is None:
        return None
    leaf, given = found
    try:
        return leaf.run(given, environ)
    except BadUsage:
        return None


def parse(arguments: Sequence[str]) -> tuple[Leaf, dict[str, Any]] | None:
    """Read a line: the command, and what was given for its options. None for one that click has to look at."""
    reader = _Reader()
    rest = list(reversed(arguments))
    while rest:
        if not reader.take(rest):
            return None
    return None if reader.leaf is None else (reader.leaf, reader.given)


class _Reader:
    """Walks along the words and knows which options may stand where."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.leaf: Leaf | None = None
        self._words: list[str] | None = None
        self._options: dict[str, Option] = {}
        self._allow(ROOT_OPTIONS)

    def take(self, rest: list[str]) -> bool:
        """Take the next word, or the next option with its value, from the end of `rest`; False if it is not plain."""
        token = rest.pop()
        if not token.startswith("-"):
            return self._step(token)
        name, equals, value = token.partition("=") if token.startswith("--") else (token, "", "")
        option = self._options.get(name)
        if option is None:
            return False
        if not option.takes_value:
            self.given[option.dest] = name != option.off_name
            return not equals
        if not equals:
            if not rest:
                return False
            value = rest.pop()
        if option.is_list:
            self.given.setdefault(option.dest, []).append(value)
        else:
            self.given[option.dest] = value
        return True

    def _step(self, word: str) -> bool:
        if self._words is None:
            self._words = []
            self._allow(tree.group_options(""))
            return word == "client"
        if self.leaf is not None:
            return False
        self._words.append(word)
        words = " ".join(self._words)
        self.leaf = tree.find(words)
        self._allow(tree.group_options(words) if self.leaf is None else self.leaf.options)
        return True

    def _allow(self, options: Sequence[Option]) -> None:
        for option in options:
            for name in (*option.names, option.off_name):
                self._options[name] = option
