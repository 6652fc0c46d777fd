"""The command `osapi client node file fetch`: asks hosts for a file, and downloads what they have kept of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from osapi.cli import asking, exit_status
from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, leaf
from osapi.cli.putting import STANDARD_OUTPUT, put
from osapi.sdk import calls
from osapi.sdk.request import node_request
from osapi.sdk.saving import checked

if TYPE_CHECKING:
    from osapi.cli.asking import Answer, Entry
    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

WORDS = "node file fetch"
_TIMEOUT_S = 300
_MARGIN_S = 5.0


def find(words: str) -> Leaf | None:
    """The command, if it is this one."""
    return leaf(words, _COMMAND if words == WORDS else None)


def _fetch(known: Values, client: RawClient, term: Terminal) -> int:
    target, place = known["target"], known.get("output", STANDARD_OUTPUT)
    many = asking.is_broadcast(target)
    if many and not os.path.isdir(place):  # noqa: PTH112 - pathlib costs more than the exchange
        raise BadUsage("--output: files of several hosts go into a directory; name one that exists")
    answer = asking.read(client.send(_request(known, target)).body)
    for entry in answer.entries:
        if entry.get("status") == "ok":
            host = str(entry["hostname"])
            put(_content(client, answer, entry), os.path.join(place, host) if many else place, term)  # noqa: PTH118
    _tell(answer, known, term, quiet=place == STANDARD_OUTPUT)
    return exit_status.of_results(answer.entries)


def _request(known: Values, target: str) -> Any:
    timeout_s = known.get("timeout", _TIMEOUT_S)
    fields = {"path": known["path"], "timeout": timeout_s}
    wait_s = min(timeout_s + _MARGIN_S, calls.LONGEST_WAIT_S)
    return node_request(
        "GET", "/file/fetch", target, fields, modifies=False, wait_s=wait_s, timeout_s=wait_s + _MARGIN_S
    )


def _content(client: RawClient, answer: Answer, entry: Entry) -> Any:
    machine = str(entry["machine_id"])
    pieces = client.stream(calls.job_output(answer.job_id, machine, "content"))
    return checked(str(entry["path"]), str(entry["sha256"]), pieces)


def _tell(answer: Answer, known: Values, term: Terminal, *, quiet: bool) -> None:
    """What came of it; where the content itself was printed, only what went wrong."""
    if known.get("json") and not quiet:
        term.say_bytes(answer.body)
        return
    for entry in answer.entries:
        host = entry.get("hostname")
        if entry.get("status") != "ok":
            term.tell(f"[{host}] osapi: {entry.get('error')}")
        elif not quiet:
            term.say(f"[{host}] {entry['path']}: {entry['size']} bytes, SHA-256 {entry['sha256']}")


_COMMAND = Plain(
    "Fetch a file of a host.",
    (
        Option(("--path",), "path", help="The file, as an absolute path; its host has to allow it.", required=True),
        Option(
            ("--target", "-T"),
            "target",
            help="Host name, machine id, label as key:value, _any or _all.",
            required=True,
            completes="target",
        ),
        Option(
            ("--output", "-o"),
            "output",
            help="Where to put it; for several hosts a directory, where each file has the name of its host.",
            default="-, which is standard output",
        ),
        Option(("--timeout",), "timeout", "int", "Seconds it may take on the host.", default=_TIMEOUT_S),
    ),
    _fetch,
    asks_hosts=True,
)
