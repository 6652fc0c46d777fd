"""Where output goes and what it may look like there: width, colours, whether a person watches."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {"red": "31", "green": "32", "yellow": "33", "header": "1;35", "label": "1;35", "value": "36", "dim": "2"}


class Terminal(NamedTuple):
    """Both streams. `width` is None where output is not for eyes and nothing need be cut."""

    out: TextIO
    err: TextIO
    width: int | None
    colour: bool
    watched: bool
    """Whether progress on standard error reaches a person."""
    can_ask: bool
    """Whether a person can answer on standard input."""

    def paint(self, text: str, colour: str) -> str:
        """`text` in a colour of `CODES`, or as it is where there are none."""
        return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if self.colour and text else text

    def say(self, text: str = "") -> None:
        """A line of the result."""
        self.out.write(text + "\n")

    def tell(self, text: str) -> None:
        """A line for the person at the terminal, apart from the result."""
        self.out.flush()
        self.err.write(text + "\n")

    def ask(self, text: str) -> None:
        """A question; the answer is typed behind it."""
        self.out.flush()
        self.err.write(text)
        self.err.flush()

    def say_bytes(self, body: bytes) -> None:
        """The result as it came, and a line end if it has none."""
        self.out.flush()
        self.out.buffer.write(body if body.endswith(b"\n") else body + b"\n")


def of_process(environ: Mapping[str, str]) -> Terminal:
    """The terminal of this process. NO_COLOR (https://no-color.org) and TERM=dumb switch colours off."""
    is_tty = sys.stdout.isatty()
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Terminal(
        out=sys.stdout,
        err=sys.stderr,
        width=_width(environ) if is_tty else None,
        colour=is_tty and not plain,
        watched=sys.stderr.isatty() and environ.get("TERM") != "dumb",
        can_ask=sys.stdin is not None and sys.stdin.isatty(),  # pyright: ignore[reportUnnecessaryComparison]
    )


def _width(environ: Mapping[str, str]) -> int:
    asked = environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80
