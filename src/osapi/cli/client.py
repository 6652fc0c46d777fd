"""The group `osapi client` for click: help, mistakes and completion for the commands of `tree`.

Values stay text here: what they mean is said once, in `option`.
"""

# ruff: noqa: ARG002
# Click hands every method its context, needed or not.

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import click
from click.core import ParameterSource

from osapi.cli import completion, tree
from osapi.cli.option import ROOT_OPTIONS, BadUsage, Option
from osapi.cli.tree import Leaf


class Branch(click.Group):
    """A group of the tree; its children are made when they are used."""

    def __init__(self, name: str, words: str, told: str) -> None:
        super().__init__(name, help=told, params=[click_option(option) for option in tree.group_options(words)])
        self._words = words
        self._below = tree.below(words)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._below)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._below:
            return None
        words = f"{self._words} {cmd_name}".strip()
        leaf = tree.find(words)
        return Branch(cmd_name, words, self._below[cmd_name]) if leaf is None else Twig(cmd_name, leaf)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Also tell which command may have been meant."""
        if args and args[0] not in self._below and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], self._below, n=3)
            meant = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(self._below))}"
            ctx.fail(f"No such command {args[0]!r}; {meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the children without making them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._below.items()))


class Twig(click.Command):
    """One command of the tree."""

    def __init__(self, name: str, leaf: Leaf) -> None:
        super().__init__(
            name, help=leaf.summary, callback=self._run, params=[click_option(option) for option in leaf.options]
        )
        self._leaf = leaf

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Also take `--switch=true` and `--switch=false`, as scripts write it."""
        switches = {name: one for one in self._leaf.options if not one.takes_value for name in one.names}
        return super().parse_args(ctx, [word for arg in args for word in _plain(switches, arg)])

    def _run(self, **_: Any) -> int:
        try:
            return self._leaf.run(given(click.get_current_context()), os.environ)
        except BadUsage as problem:
            raise click.UsageError(str(problem)) from problem


def click_option(option: Option) -> click.Option:
    """The same option for click."""
    long = [name for name in option.names if name.startswith("--")]
    short = [name for name in option.names if not name.startswith("--")]
    if not option.takes_value:
        spelled = [f"{name}/{option.off_name}" if option.off_name else name for name in long]
        return click.Option([option.dest, *short, *spelled], is_flag=True, help=_told(option))
    return click.Option(
        [option.dest, *short, *long],
        type=click.STRING,
        metavar=option.word,
        multiple=option.is_list,
        help=_told(option),
        shell_complete=completion.values(option),
    )


def given(context: click.Context) -> dict[str, Any]:
    """What stands on the line for every option, from the root to this command; what comes later wins."""
    shared = {name: option.dest for option in ROOT_OPTIONS for name in option.names}
    found: dict[str, Any] = {}
    for level in reversed(list(_levels(context))):
        for parameter in level.command.params:
            if parameter.name and level.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
                dest = next((shared[name] for name in parameter.opts if name in shared), parameter.name)
                found[dest] = level.params[parameter.name]
    return found


def _levels(context: click.Context | None) -> Iterator[click.Context]:
    while context is not None:
        yield context
        context = context.parent


def _told(option: Option) -> str:
    parts = [option.help]
    if option.choices:
        parts.append(f"One of: {', '.join(option.choices)}.")
    if option.required:
        parts.append("[required]")
    elif option.default not in (None, False):
        parts.append(f"[default: {option.default}]")
    return " ".join(parts)


def _plain(switches: dict[str, Option], word: str) -> Sequence[str]:
    name, equals, value = word.partition("=")
    if not equals or name not in switches or value not in ("true", "false"):
        return [word]
    off = switches[name].off_name
    return [name] if value == "true" else [off] if off else []


client = Branch("client", "", "Talk to a controller: hosts and jobs.")
