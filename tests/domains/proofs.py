"""Proofs as data: how an operation is shown on a real host, by something else than our own code.

A proof is `tests/domains/<domain>/acceptance/<operation>.json`, named after the operation's constant in small
letters like the folders of cases. Every operation has one; `Change` and `Read` are the two
forms. Lines of shell are run on the host by the test bed; those that begin with `osapi client` beside the
controller, in the folder of the proof, with `{host}` standing for the host.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from tests.domains import cases

from osapi.contract.operation import Operation
from osapi.domains import discovery

Text = str | tuple[str, ...]
"""One line, or several."""


class Proof(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What both forms have."""

    about: str
    """What is shown, as a sentence."""
    request: dict[str, Any] = {}
    found: dict[str, str] = {}
    """Fields of the request that only the host can tell: each with the shell line that prints the value."""
    scripts: tuple[str, ...] = ()
    """Files of shell beside the proof that run on the host first, for what several proofs need. They must do nothing
    the second time. `$CHECKOUT` is where the host sees this repository."""
    prepare: tuple[str, ...] = ()
    """What makes the host fit for it."""
    look: Text
    """Shell that shows on the host what the operation is about."""
    cleanup: tuple[str, ...] = ()
    """What leaves the host as it was."""


class Change(Proof, kw_only=True):
    """Shows that an operation changes a host as foretold, once, and in check mode not at all."""

    before: Text
    """What `look` prints before, and still after check mode."""
    after: Text
    """What `look` prints afterwards."""
    repeats: str = ""
    """Why a second identical call is not simply unchanged; empty for all that is idempotent, which is the rule."""
    touches: tuple[str, ...] = ()
    """Files and folders that a call may write although it changes nothing; `about` says why."""


class Read(Proof, kw_only=True):
    """Shows that an operation tells what is there."""

    tells: tuple[str, ...]
    """Paths into the result, as for columns; their values, a line for each row, are what `look` prints."""


def path_of(domain: str, constant: str) -> Path:
    """Where the proof of an operation is, or should be."""
    return cases.FOLDER / domain / "acceptance" / f"{constant.lower()}.json"


def everything() -> list[tuple[str, str, Operation[Any, Any]]]:
    """Every operation with its domain and the name of its constant."""
    return [
        (domain, constant, operation)
        for domain in discovery.names()
        for constant, operation in discovery.constants(domain).items()
    ]


def change(domain: str, constant: str) -> Change:
    """The proof of an operation that changes a host. Fails when there is none."""
    return msgspec.json.decode(_content(domain, constant), type=Change)


def read(domain: str, constant: str) -> Read:
    """The proof of an operation that reads. Fails when there is none."""
    return msgspec.json.decode(_content(domain, constant), type=Read)


def joined(text: Text) -> str:
    """The lines as one text."""
    return text if isinstance(text, str) else "\n".join(text)


def _content(domain: str, constant: str) -> bytes:
    path = path_of(domain, constant)
    assert path.exists(), f"{path} is missing: an operation brings its proof, see CONTRIBUTING.md"
    return path.read_bytes()
