"""Draws everything about one host: pairs of label and value, a table for each list.

For answers that hold more than a row can show. What is shown, and how, is taken from the table of commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.cli import table
from osapi.cli.cells import cell, rows
from osapi.cli.report import pair, status_word

if TYPE_CHECKING:
    from osapi.cli.asking import Entry
    from osapi.cli.node import Column
    from osapi.cli.terminal import Terminal


def draw(entry: Entry, columns: tuple[Column, ...], term: Terminal) -> None:
    """The whole of one entry, part by part."""
    _head(entry, term)
    lists: dict[str, list[Column]] = {}
    for part, shown in _parts(columns).items():
        if "[]" in shown[0].path:
            lists[part] = shown
        elif text := _line(entry, part, shown):
            pair(term, _label(part), text)
    for shown in lists.values():
        _table(entry, shown, term)


def draw_row(entry: Entry, columns: tuple[Column, ...], term: Terminal) -> None:
    """What would be a row of a table, a line for each cell that is not empty."""
    _head(entry, term)
    (values,) = rows(entry, tuple(column.path for column in columns))
    for value, column in zip(values, columns, strict=True):
        if text := cell(value, column.format):
            pair(term, column.title.capitalize(), text)


def _head(entry: Entry, term: Terminal) -> None:
    pair(term, "Hostname", cell(entry.get("hostname")))
    pair(term, "Status", status_word(entry))


def _parts(columns: tuple[Column, ...]) -> dict[str, list[Column]]:
    """The columns by the field of the result that they show something of."""
    parts: dict[str, list[Column]] = {}
    for column in columns:
        parts.setdefault(column.path.partition(".")[0].removesuffix("[]"), []).append(column)
    return parts


def _line(entry: Entry, part: str, shown: list[Column]) -> str:
    (values,) = rows(entry, tuple(column.path for column in shown))
    texts = [(column, cell(value, column.format)) for value, column in zip(values, shown, strict=True)]
    return ", ".join(_named(part, column, text) for column, text in texts if text)


def _named(part: str, column: Column, text: str) -> str:
    """A value with its title, as `3.9 GiB total` or `version 12.11`; alone where the label says the same."""
    known = part.split("_")
    title = " ".join(word for word in column.title.lower().split() if word not in known)
    if not title:
        return text
    return f"{title} {text}" if column.format == "text" else f"{text} {title}"


def _table(entry: Entry, shown: list[Column], term: Terminal) -> None:
    drawn = [
        [cell(value, column.format) for value, column in zip(values, shown, strict=True)]
        for values in rows(entry, tuple(column.path for column in shown))
    ]
    term.say()
    for line in table.lines(
        [column.title for column in shown],
        drawn,
        width=term.width,
        paint=lambda row, _, text: term.paint(text, "header") if row < 0 else text,
    ):
        term.say(line)


def _label(part: str) -> str:
    return part.replace("_", " ").capitalize()
