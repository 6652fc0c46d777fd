"""The command `osapi`: finds the command that was meant and loads only that.

A command line client starts thousands of times, so this module imports click and nothing else; every
group below the root is named by module and attribute and imported when it is used. Options of a group
are accepted anywhere after it (`osapi client node hostname get --json`), as existing scripts write them.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click


class Globals(NamedTuple):
    """What was said about the whole command; `ctx.obj` of every command, for `click.pass_obj`.

    `flags` collects settings given as flags, by dotted name, as text; programs pass them on as environment.
    """

    osapi_file: str | None
    debug: bool
    json: bool
    flags: dict[str, str]


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used; their help texts are known before."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        """`lazy` maps a command's name to `module:attribute` and its line in the help."""
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        rows = [(name, self._line(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _line(self, ctx: click.Context, name: str) -> str:
        if name in self._lazy:
            return self._lazy[name][1]
        command = super().get_command(ctx, name)
        return command.get_short_help_str() if command else ""


@click.group(
    cls=LazyGroup,
    lazy={
        "agent": ("osapi.cli.programs:agent", "Run the agent of this host."),
        "client": ("osapi.cli.client:client", "Talk to a controller: hosts, jobs, agents."),
        "completion": ("osapi.cli.completion:completion", "Print the completion script of a shell."),
        "controller": ("osapi.cli.programs:controller", "Run the controller, which serves the REST API."),
        "job": ("osapi.cli.programs:job", "Where the commands for jobs are."),
        "nats": ("osapi.cli.programs:nats", "Run the embedded broker."),
        "start": ("osapi.cli.start:start", "Run broker, controller and agent together."),
        "tls": ("osapi.cli.tls:tls", "Make certificates for what OSAPI serves."),
        "token": ("osapi.cli.token:token", "Make and check access tokens."),
        "version": ("osapi.cli.version:version", "Show the version."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("-f", "--osapi-file", metavar="FILE", help="Settings file. Default: /etc/osapi/osapi.yaml, if it exists.")
@click.option("-d", "--debug", is_flag=True, help="Log more.")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON; log JSON.")
@click.pass_context
def root(ctx: click.Context, osapi_file: str | None, debug: bool, as_json: bool) -> None:
    """Manage Linux hosts through a REST API.

    These options may stand anywhere on the line.
    """
    ctx.obj = Globals(osapi_file, debug, as_json, {})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status; 1 for wrong usage and for every failure told in one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = root.main(hoisted(root, words), prog_name="osapi", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has gone
        return 1
    except Exception as problem:
        if not _is_told(problem):
            raise
        sys.stderr.write(f"osapi: {problem}\n")
        return 1
    return status if isinstance(status, int) else 0


def hoisted(command: click.Command, words: Sequence[str]) -> list[str]:
    """The words with options moved to the group that knows them, when the command they follow does not.

    An option that the command itself knows stays, and so does the value of an option, whatever it looks like.
    """
    levels: list[tuple[click.Command, list[str]]] = [(command, [])]
    names: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        here, own = levels[-1]
        if word == "--":
            own += ["--", *rest]
            break
        if len(word) > 1 and word.startswith("-"):
            place, count = _owner(levels, word)
            place += [word, *(rest.pop(0) for _ in range(min(count, len(rest))))]
            continue
        below = here.get_command(click.Context(here), word) if isinstance(here, click.Group) else None
        if below is None:
            own.append(word)
        else:
            names.append(word)
            levels.append((below, []))
    return [*levels[0][1], *(w for name, (_, own) in zip(names, levels[1:], strict=True) for w in (name, *own))]


def _owner(levels: Sequence[tuple[click.Command, list[str]]], word: str) -> tuple[list[str], int]:
    """Where an option belongs, and how many of the following words are its value."""
    for command, own in reversed(levels):
        count = _values(command, word)
        if count is not None:
            return own, count
    return levels[-1][1], 0


def _values(command: click.Command, word: str) -> int | None:
    """How many further words the option takes here; None when the command does not know it."""
    if word in ("-h", "--help"):
        return 0
    known = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        option = known.get(name)
        return None if option is None else 0 if equals else _nargs(option)
    for position, letter in enumerate(word[1:], start=1):  # `-dj` is `-d -j`, and `-fx` is `-f x`
        option = known.get(f"-{letter}")
        if option is None:
            return None
        if _nargs(option):
            return _nargs(option) if position == len(word) - 1 else 0
    return 0


def _nargs(option: click.Parameter) -> int:
    flag = isinstance(option, click.Option) and (option.is_flag or option.count)
    return 0 if flag else option.nargs


def _is_told(problem: Exception) -> bool:
    """Whether the failure is one of those that OSAPI words for people."""
    from osapi.contract.errors import OsapiError

    return isinstance(problem, OsapiError)


if __name__ == "__main__":
    sys.exit(main())
