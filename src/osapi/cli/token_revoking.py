"""The commands below `osapi client token`: tokens that are refused although they have not expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli import secret, table
from osapi.cli.cells import cell
from osapi.cli.moment import moment
from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, leaf, show
from osapi.cli.report import pair
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

TOKEN = Option(("--token", "-t"), "token", help="The token itself.")
_HEADERS = ("ID", "SUBJECT", "ISSUED BEFORE", "REVOKED BY", "REVOKED AT", "EXPIRES", "REASON")
_FIELDS = ("id", "subject", "issued_before", "revoked_by", "revoked_at", "expires", "reason")


def find(words: str) -> Leaf | None:
    """The command of these words, for example `token list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def wanted(known: Mapping[str, Any]) -> dict[str, str | None]:
    """What to revoke, as `RevokeRequest` takes it. Raises `BadUsage` unless one of the three ways is given."""
    token = secret.resolve([(TOKEN, False)], known, secret.of_process()).get("token")
    found = {
        "token": cast("str | None", token),
        "id": known.get("id"),
        "subject": known.get("subject"),
        "issued_before": moment("--issued-before", known.get("issued_before")),
        "reason": known.get("reason") or "",
    }
    if sum(found[name] is not None for name in ("token", "id", "subject")) != 1:
        raise BadUsage("give exactly one of --token, --id and --subject")
    return found


def drawn(answer: Mapping[str, Any], term: Terminal) -> None:
    """What is refused, one `Name: value` a line."""
    term.say()
    for title, name in zip(_HEADERS, _FIELDS, strict=True):
        if answer.get(name):
            pair(term, title.capitalize() if title != "ID" else title, cell(answer[name]))


def _revoke(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.token_revoke(**wanted(known))).body, term, drawn)


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.token_revoked()).body, term, _drawn_list)


def _drawn_list(answer: Mapping[str, Any], term: Terminal) -> None:
    items = cast("list[dict[str, Any]]", answer.get("items") or [])
    term.say()
    pair(term, "Total", str(answer.get("total_items", 0)))
    table.draw(term, _HEADERS, [[cell(item.get(name, "")) for name in _FIELDS] for item in items])


REVOKE_OPTIONS = (
    *secret.options(TOKEN),
    Option(("--id",), "id", help="Id of the token, as the audit shows it."),
    Option(("--subject", "-u"), "subject", help="All tokens of this subject that were issued until now."),
    Option(
        ("--issued-before",),
        "issued_before",
        help="With --subject: only those issued before this time, 2026-01-31T12:00:00Z, or 2h for ago.",
    ),
    Option(("--reason",), "reason", help="Why, for those who wonder later."),
)
_COMMANDS = {
    "token list": Plain("List tokens that are refused although they have not expired.", (), _list),
    "token revoke": Plain("Refuse a token, or all of a subject, from now on.", REVOKE_OPTIONS, _revoke),
}
