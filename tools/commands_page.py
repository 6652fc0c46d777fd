"""The reference page of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from osapi.cli.main import root
from tools.markdown import code, table

_HEAD = """# Commands

Written by `./dev gen` from the commands; do not edit. `osapi COMMAND --help` says the same.

Exit status: 0 all ok or skipped, 1 usage or API error, 2 some hosts failed, 3 all hosts failed, 4 timed out.
"""


def page() -> str:
    """The whole page: one section per command, and per group that has flags of its own."""
    return _HEAD + "".join(_section(context) for context in _walk(click.Context(root, info_name="osapi")))


def _walk(context: click.Context) -> Iterator[click.Context]:
    command = context.command
    if not isinstance(command, click.Group):
        yield context
        return
    if command.params:
        yield context
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            yield from _walk(click.Context(found, info_name=name, parent=context))


def _section(context: click.Context) -> str:
    command = context.command
    pieces = " ".join(command.collect_usage_pieces(context))
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    rows = [[", ".join(code(flag) for flag in each.opts + each.secondary_opts), each.help or ""] for each in options]
    text = f"\n## {context.command_path}\n\n`{context.command_path} {pieces}`\n\n{_plain(command.help)}\n"
    return text + ("\n" + table(["Flag", "Meaning"], rows) if rows else "")


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())
