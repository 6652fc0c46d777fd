"""Secrets for a command, from where nobody else sees them.

A value on the line is in the shell's history and, while the command runs, in the list of processes, so it is taken with a
warning. The other ways: `@FILE`, the switch `--…-stdin`, and to be asked at the terminal.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from osapi.cli.option import BadUsage, Option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ASK = "-"
"""Value that stands for being asked, or for standard input when nobody is at the terminal."""
WAYS = "Give @FILE, or - to be asked; what is given as it is can be seen in the list of processes."
STDIN = "-stdin"
"""Ending of the switch that takes the value of another option from standard input."""
_FROM_STDIN = "\0"
"""Value that stands for that switch; none can be given like this on a line."""


class Sources(NamedTuple):
    """Where secrets come from besides the line. `ask` takes a prompt; None when nobody is there to be asked."""

    ask: Callable[[str], str] | None
    read_stdin: Callable[[], str]
    tell: Callable[[str], None]


def of_process() -> Sources:
    """Those of this process."""

    def read_stdin() -> str:
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")

    def tell(text: str) -> None:
        sys.stderr.write(f"osapi: {text}\n")

    return Sources(_ask if sys.stdin is not None and sys.stdin.isatty() else None, read_stdin, tell)  # pyright: ignore[reportUnnecessaryComparison]


def options(option: Option) -> tuple[Option, Option]:
    """The option of a secret as it stands on a line, and the switch that takes it from standard input.

    Neither is required there: who leaves out what must be there is asked for it.
    """
    item = "each line of it is one" if option.is_list else "without the end of its line"
    default = "asked for" if option.required else None
    return (
        option._replace(required=False, default=default, help=f"{option.help} {WAYS}"),
        Option(
            (f"{option.name}{STDIN}",),
            f"{option.dest}_stdin",
            "switch",
            f"Take {option.name} from standard input, {item}.",
        ),
    )


def resolve(
    found: Iterable[tuple[Option, bool]], known: Mapping[str, Any], sources: Sources
) -> dict[str, str | list[str]]:
    """The secrets of a command, by `Option.dest`; those that nobody gave are left out.

    `found` are its options, each with whether it must be there. Raises `BadUsage`.
    """
    reader = _Reader(sources)
    secrets: dict[str, str | list[str]] = {}
    for option, required in found:
        given = _given(option, known)
        if given is None and not required:
            continue
        if given is None and sources.ask is None:
            raise BadUsage(f"missing {option.name}; give it as @FILE, or with {option.name}{STDIN}")
        texts = given or [ASK]
        if option.is_list:
            secrets[option.dest] = [part for text in texts for part in reader.many(option.name, text)]
        else:
            secrets[option.dest] = reader.one(option.name, texts[-1])
    return secrets


def named(texts: Iterable[str], sources: Sources) -> dict[str, str]:
    """Secrets by name, from `NAME=VALUE`, or `NAME` alone to be asked. Raises `BadUsage`."""
    reader = _Reader(sources)
    pairs = (text.partition("=") for text in texts)
    return {name: reader.one(f"--secret {name}", value or ASK) for name, _, value in pairs}


def _given(option: Option, known: Mapping[str, Any]) -> list[str] | None:
    value = known.get(option.dest)
    if known.get(f"{option.dest}_stdin"):
        if value is not None:
            raise BadUsage(f"{option.name} and {option.name}{STDIN} exclude one another")
        return [_FROM_STDIN]
    return [value] if isinstance(value, str) else value


class _Reader:
    """Finds out what values stand for. Standard input can be read once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._taken_by = ""

    def one(self, name: str, text: str) -> str:
        ask = self._sources.ask
        if text == _FROM_STDIN or (text == ASK and ask is None):
            return self._stdin(name)
        if text == ASK and ask is not None:
            return _asked_twice(name, ask)
        if text.startswith("@@"):
            text = text[1:]
        elif text.startswith("@"):
            return _without_end(name, _read_file(name, text[1:]))
        self._sources.tell(
            f"{name}: it stands in the list of processes and the history of the shell; @FILE, {STDIN[1:]} or - keep it out"
        )
        return text

    def many(self, name: str, text: str) -> Sequence[str]:
        """The entries of a list: one, or each line of standard input."""
        value = self.one(name, text)
        return value.splitlines() if text == _FROM_STDIN else [value]

    def _stdin(self, name: str) -> str:
        if self._taken_by:
            raise BadUsage(f"{name}: standard input is taken by {self._taken_by}; give it as @FILE")
        self._taken_by = name
        return _without_end(name, self._sources.read_stdin())


def _asked_twice(name: str, ask: Callable[[str], str]) -> str:
    shown = name.removeprefix("--secret ").lstrip("-")
    value = ask(f"{shown}: ")
    if value != ask(f"{shown}, again: "):
        raise BadUsage(f"{name}: something else was typed the second time")
    return value


def _without_end(name: str, text: str) -> str:
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise BadUsage(f"{name}: there is nothing in it")
    return value


def _read_file(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:  # noqa: PTH123 - pathlib costs more than the rest
            return file.read()
    except OSError as problem:
        raise BadUsage(
            f"{name}: {path} cannot be read: {problem.strerror}; write @@ for a value that begins with @"
        ) from None


def _ask(prompt: str) -> str:
    from getpass import getpass

    return getpass(prompt, sys.stderr)
