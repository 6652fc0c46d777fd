"""Verifies the audit and tells what was found; remembers where the chain ended, for the next time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from osapi.cli import exit_status
from osapi.cli.option import BadUsage
from osapi.cli.report import pair
from osapi.config import private
from osapi.contract.errors import OsapiError
from osapi.sdk import calls, lines
from osapi.sdk.verification import ChainReader, Known, Verdict

if TYPE_CHECKING:
    from osapi.cli.terminal import Terminal
    from osapi.sdk.raw import RawClient


def run(client: RawClient, term: Terminal, *, key: str | None, anchor: str | None, as_json: bool | None) -> int:
    """Verify. The exit status tells whether the chain is whole; the anchor is moved on only when it is."""
    reader = _reader(key, _known(anchor))
    for line in lines.of_blocks(client.stream(calls.audit_chain())):
        reader.take(line)
    verdict = reader.verdict()
    if as_json:
        term.say_bytes(msgspec.json.encode({"whole": verdict.is_whole, **msgspec.to_builtins(verdict)}))
    else:
        _tell(verdict, term)
    if not verdict.is_whole:
        return exit_status.BROKEN
    if anchor is not None and verdict.head is not None:
        try:
            private.replace(Path(anchor).absolute(), msgspec.json.encode(verdict.head))
        except OsapiError as problem:
            term.tell(f"osapi: {problem.message}")
            return exit_status.USAGE
    return exit_status.OK


def _tell(verdict: Verdict, term: Terminal) -> None:
    term.say()
    word = term.paint("whole", "green") if verdict.is_whole else term.paint("broken", "red")
    term.say(f"  {term.paint('Chain:', 'label')} {word}")
    pair(term, "Messages", str(verdict.messages))
    pair(term, "Records", str(verdict.records))
    for label, place in (("From", verdict.first), ("To", verdict.head)):
        if place is not None:
            at = "" if place.at is None else f" of {place.at:%Y-%m-%d %H:%M:%S}"
            pair(term, label, f"message {place.sequence}{at}")
    if verdict.is_whole and verdict.first is not None and verdict.first.sequence > 1:
        pair(term, "Before", f"messages 1 to {verdict.first.sequence - 1} are gone, by their age")
    if verdict.head is not None:
        pair(term, "Digest", verdict.head.digest)
    pair(term, "Key", verdict.key)
    if verdict.breaks:
        term.say()
        for one in verdict.breaks:
            term.say(f"  {term.paint(one.fault.value, 'red')}: {one.text}")


def _reader(path: str | None, known: list[Known]) -> ChainReader:
    try:
        return ChainReader(None if path is None else Path(path).read_bytes(), known)
    except OSError as problem:
        raise BadUsage(f"--key: {path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise BadUsage(f"--key: {path} holds no public key in PEM: {problem}") from problem


def _known(path: str | None) -> list[Known]:
    """What an earlier verification has left in the file; nothing when there is none yet."""
    if path is None or not Path(path).exists():
        return []
    try:
        return [msgspec.json.decode(Path(path).read_bytes(), type=Known)]
    except (OSError, msgspec.DecodeError) as problem:
        raise BadUsage(f"--anchor: {path} holds no anchor: {problem}") from problem
