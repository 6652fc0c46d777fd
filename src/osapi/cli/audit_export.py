"""Writes the export of the audit, line by line as it comes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from osapi.cli import exit_status
from osapi.cli.report import pair
from osapi.sdk import lines

if TYPE_CHECKING:
    from typing import BinaryIO

    from osapi.cli.terminal import Terminal
    from osapi.sdk.raw import RawClient
    from osapi.sdk.request import Request

STANDARD_OUTPUT = "-"


def run(request: Request, output: str, client: RawClient, term: Terminal) -> int:
    """Write what the request gives. A file appears under its name when it is whole; only its owner may read it."""
    if output == STANDARD_OUTPUT:
        term.out.flush()
        _copy(request, client, term.out.buffer)
        return exit_status.OK
    part = f"{output}.part"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            count = _copy(request, client, file)
        os.replace(part, output)  # noqa: PTH105 - pathlib costs more than the rest
    except OSError as problem:
        term.tell(f"osapi: {output} cannot be written: {problem.strerror}")
        return exit_status.USAGE
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)  # noqa: PTH108 - as above
    term.say()
    for label, value in (("Exported", str(count)), ("Total", str(count)), ("Output", output)):
        pair(term, label, value)
    return exit_status.OK


def _copy(request: Request, client: RawClient, file: BinaryIO) -> int:
    """Write the lines and return how many there were."""
    count = 0
    for line in lines.of_blocks(client.stream(request)):
        file.write(line + b"\n")
        count += 1
    return count
