"""The commands below `osapi client audit`: who asked for what, and whether that was tampered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osapi.cli.moment import SINCE, UNTIL, moment
from osapi.cli.option import Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

_LIMIT = 20
_FILTERS = (
    Option(("--user",), "user", help="Only requests of this token subject."),
    Option(("--method",), "method", help="Only requests with this HTTP method."),
    Option(("--path",), "path", help="Only requests to this path and to those below it."),
    Option(("--operation",), "operation", help="Only this operation, as node.sysctl.create, or its operationId."),
    Option(("--status",), "status", "int", "Only requests answered with this HTTP status; 0 for unknown."),
    Option(
        ("--kind",),
        "kind",
        help="Only entries of this kind.",
        choices=("read", "change", "refusal", "remark"),
    ),
    Option(("--job-id",), "job_id", help="Only requests that made this job.", completes="job"),
    Option(("--source-ip",), "source_ip", help="Only requests from this address."),
    SINCE,
    UNTIL,
)
_PAGE = (
    Option(("--limit",), "limit", "int", "Most entries to show, up to 100.", default=_LIMIT),
    Option(("--offset",), "offset", "int", "Entries to leave out, from the newest on.", default=0),
    Option(("--cursor",), "cursor", help="Where to go on: next_cursor of the page before."),
)


def find(words: str) -> Leaf | None:
    """The command of these words, for example `audit list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import audit_report

    query = _filters(known) | {"limit": known.get("limit", _LIMIT), "offset": known.get("offset", 0)}
    body = client.send(calls.audit_list(**query, cursor=known.get("cursor"))).body
    return show(known, body, term, audit_report.page)


def _get(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import audit_report

    return show(known, client.send(calls.audit_get(known["audit_id"])).body, term, audit_report.detail)


def _export(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import audit_export

    return audit_export.run(calls.audit_export(**_filters(known)), known["output"], client, term)


def _verify(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import audit_verify

    return audit_verify.run(client, term, key=known.get("key"), anchor=known.get("anchor"), as_json=known.get("json"))


def _filters(known: Values) -> dict[str, Any]:
    query = {option.dest: known.get(option.dest) for option in _FILTERS}
    return query | {name: moment(f"--{name}", known.get(name)) for name in ("since", "until")}


_COMMANDS = {
    "audit list": Plain("List audit entries, newest first.", _FILTERS + _PAGE, _list),
    "audit get": Plain(
        "Show one audit entry.",
        (Option(("--audit-id",), "audit_id", help="Id of the entry.", required=True),),
        _get,
    ),
    "audit export": Plain(
        "Write all entries to a file, one JSON object a line.",
        (
            Option(("--output",), "output", help="File to write; - for standard output.", required=True),
            Option(("--type",), "type", help="Where to export to.", choices=("file",), default="file"),
            *_FILTERS,
        ),
        _export,
    ),
    "audit verify": Plain(
        "Read the whole chain of entries and say where it was tampered with.",
        (
            Option(
                ("--key",),
                "key",
                help="The controller's public key, controller.pub.",
                default="as the controller tells",
            ),
            Option(
                ("--anchor",),
                "anchor",
                help="File that remembers where the chain ended; what it says must still be there.",
            ),
        ),
        _verify,
    ),
}
