"""Tells a person whom a target means before anything is changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli import asking
from osapi.cli.cells import clean
from osapi.sdk import calls, errors

if TYPE_CHECKING:
    from osapi.cli.node import Call
    from osapi.sdk.raw import RawClient

NAMED = 5
"""So many hosts are named; of more it is said how many."""


def described(call: Call, client: RawClient) -> str:
    """The hosts of a call in words, counted by the controller.

    A token that may not look at agents, or a controller that cannot count, gives no number. Raises `SdkError` when nobody is meant.
    """
    try:
        told = asking.json_object(client.send(calls.target(call.target, call.command.permission)).body)
    except (errors.Forbidden, errors.NotFound):
        return "every host" if call.target == "_all" else f"every host that {call.target} means"
    total, hosts = int(told.get("total") or 0), cast("list[dict[str, Any]]", told.get("hosts") or [])
    names = ", ".join(clean(str(host.get("hostname"))) for host in hosts[:NAMED])
    more = f" and {total - NAMED} more" if total > NAMED else ""
    return f"{total} {'host' if total == 1 else 'hosts'}, {names}{more}"
