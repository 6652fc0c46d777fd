"""Draws tables of text: two-space indent, upper-case headers, columns that fit the terminal.

Drawn by hand and not by a library: the whole of it is cheaper than the import of any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from osapi.cli.terminal import Terminal

    Paint = Callable[[int, int, str], str]

_INDENT = "  "
_GAP = 2
_LEAST = 8
MOST = 79
"""No column of a table that is fitted is wider than this."""


def draw(term: Terminal, headers: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint | None = None) -> None:
    """Print an empty line and the table, its header coloured; nothing at all without rows."""

    def plain(row: int, _: int, text: str) -> str:
        return term.paint(text, "header") if row < 0 else text

    if rows:
        term.say()
        for line in lines(headers, rows, width=term.width, paint=paint or plain):
            term.say(line)


def lines(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None,
    paint: Paint | None = None,
    whole: Collection[int] = (),
) -> Iterator[str]:
    """The lines of a table. `width` None draws every cell whole.

    Columns that are `whole` are not cut. `paint` colours a cell that has already been cut: row (-1 for the header), column, text.
    """
    titles = [header.upper() for header in headers]
    widths = _fit(_natural(titles, rows), width, whole)
    for number, cells in enumerate([titles, *rows], start=-1):
        texts = [cut(text, room) for text, room in zip(cells, widths, strict=True)]
        gaps = [room + _GAP - text_width(text) for text, room in zip(texts, widths, strict=True)]
        if paint is not None:
            texts = [paint(number, column, text) for column, text in enumerate(texts)]
        yield _INDENT + "".join(text + " " * gap for text, gap in zip(texts, gaps, strict=True)).rstrip()


def whole_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide the table would be with every cell whole."""
    return len(_INDENT) + sum(_natural(headers, rows)) + _GAP * (len(headers) - 1)


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, room: int) -> str:
    """A text that is too wide for `room` columns ends in an ellipsis."""
    if text_width(text) <= room:
        return text
    while text and text_width(text) > room - 1:
        text = text[: room - 1] if len(text) >= room else text[:-1]
    return text + "…"


def _natural(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    widths = [text_width(title) for title in titles]
    for row in rows:
        widths = [max(width, text_width(text)) for width, text in zip(widths, row, strict=True)]
    return widths


def _fit(widths: list[int], width: int | None, whole: Collection[int]) -> list[int]:
    """The widths with which the table fits; columns that are `whole` keep theirs."""
    if width is None:
        return widths
    widths = [min(natural, MOST) for natural in widths]
    room = width - len(_INDENT) - _GAP * (len(widths) - 1) - sum(widths[column] for column in whole)
    given = iter(_give([one for column, one in enumerate(widths) if column not in whole], room))
    return [one if column in whole else next(given) for column, one in enumerate(widths)]


def _give(widths: list[int], room: int) -> list[int]:
    """Take from the widest columns until they fit, but leave each as much as makes sense of it."""
    while widths and sum(widths) > room and max(widths) > _LEAST:
        widest = max(widths)
        next_widest = max((one for one in widths if one < widest), default=0)
        number = widths.count(widest)
        step = max(1, min(widest - max(next_widest, _LEAST), -(-(sum(widths) - room) // number)))
        widths = [one - step if one == widest else one for one in widths]
    return widths
