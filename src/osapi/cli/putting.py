"""Puts what is downloaded where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.sdk.saving import NewFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osapi.cli.terminal import Terminal

STANDARD_OUTPUT = "-"


def put(pieces: Iterable[bytes], place: str, term: Terminal) -> None:
    """Write into a file, which takes its place when it is whole and right, or for `-` to standard output as they come."""
    if place == STANDARD_OUTPUT:
        term.out.flush()
        for piece in pieces:
            term.out.buffer.write(piece)
        term.out.buffer.flush()
        return
    with NewFile(place) as file:
        for piece in pieces:
            file.write(piece)
