"""The commands below `osapi client notify`: what is wrong, how people are told, silences and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli import asking, exit_status, table
from osapi.cli.cells import cell, moment
from osapi.cli.moment import later
from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient

_MATTER = ("condition", "name", "since", "told", "silenced", "reason")
_NOTIFIER = ("name", "delivered", "failed", "waiting", "last_success", "error")
_SILENCE = ("id", "host", "label", "condition", "ends_at", "author", "reason")
_TIMES = frozenset({"since", "last_success", "ends_at"})
_TEST = ("notifier", "delivered", "error")


def find(words: str) -> Leaf | None:
    """The command of these words, for example `notify list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every group and command by its words, with a line of help."""
    told = {words: command.summary for words, command in _COMMANDS.items()}
    return {**told, "notify silence": "Do not tell something for a while."}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.notify_list()).body, term, _drawn)


def _test(known: Values, client: RawClient, term: Terminal) -> int:
    """The exit status is 2 when a notifier did not take its message."""
    body = client.send(calls.notify_test(known.get("notifier"))).body
    show(known, body, term, lambda told, term: _table(term, _TEST, told))
    items = cast("list[dict[str, Any]]", asking.json_object(body).get("items") or [])
    return exit_status.OK if all(one.get("delivered") for one in items) else exit_status.SOME_FAILED


def _silences(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.notify_silences()).body, term, lambda told, term: _table(term, _SILENCE, told))


def _silence(known: Values, client: RawClient, term: Terminal) -> int:
    if bool(known.get("for")) == bool(known.get("until")):
        raise BadUsage("--for, --until: give one of them")
    ends_at = later("--for" if known.get("for") else "--until", known.get("for") or known["until"])
    fields = {name: known.get(name) for name in ("host", "label", "condition", "reason")}
    return show(known, client.send(calls.notify_silence(ends_at=ends_at, **fields)).body, term, _one)


def _unsilence(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.notify_unsilence(known["id"])).body, term, _one)


def _drawn(told: Mapping[str, Any], term: Terminal) -> None:
    """How people are told, then what is wrong."""
    if not told.get("enabled"):
        term.say("\n  nobody is told: controller.notifications.enabled is false")
    _table(term, _NOTIFIER, {"items": told.get("notifiers")})
    _table(term, _MATTER, told)


def _one(told: Mapping[str, Any], term: Terminal) -> None:
    _table(term, _SILENCE, {"items": [told]})


def _table(term: Terminal, fields: Sequence[str], told: Mapping[str, Any]) -> None:
    items = cast("list[dict[str, Any]]", told.get("items") or [])
    headers = [field.replace("_", " ").upper() for field in fields]
    table.draw(term, headers, [[_cell(field, item.get(field)) for field in fields] for item in items])


def _cell(field: str, value: Any) -> str:
    return moment(value) if field in _TIMES else cell(value)


_COMMANDS = {
    "notify list": Plain("Show what is wrong now, and how people are told.", (), _list),
    "notify test": Plain(
        "Send a message that tells of nothing, to see whether it arrives.",
        (Option(("--notifier",), "notifier", help="Name of the notifier.", default="all that are used"),),
        _test,
    ),
    "notify silence list": Plain("List what is not told for a while.", (), _silences),
    "notify silence add": Plain(
        "Do not tell what matches all that is given; nothing given: everything.",
        (
            Option(("--host",), "host", help="Host name, which may hold * and ?, or machine id.", completes="target"),
            Option(("--label",), "label", help="Hosts with this label or one below it, as group:web."),
            Option(("--condition",), "condition", help="A condition, as HighLoad or ComponentUnreachable."),
            Option(("--for",), "for", help="How long: 90m, 2h, 7d."),
            Option(("--until",), "until", help="Until when: 2026-01-31T12:00:00Z."),
            Option(("--reason",), "reason", help="Why, for those who wonder later.", required=True),
        ),
        _silence,
    ),
    "notify silence delete": Plain(
        "End a silence before its time.", (Option(("--id",), "id", help="Its id.", required=True),), _unsilence
    ),
}
