"""The commands below `osapi client agent` about who may work in the fleet: accept, reject, revoke, join tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.sdk.raw import RawClient

_NAME = Option(("--hostname",), "hostname", help="Host name or machine id.", required=True)
_PENDING = ("machine_id", "hostname", "fingerprint", "requested_at")
_BARRED = ("fingerprint", "machine_id", "since", "by", "reason")
_TOKEN = ("id", "uses", "expires_at", "review", "created_by")


def pending(known: Values, client: RawClient, term: Terminal) -> int:
    """Show who waits."""
    return show(known, client.send(calls.agents_pending()).body, term, _draw_pending)


def barred(known: Values, client: RawClient, term: Terminal) -> int:
    """Show which keys are accepted no more."""
    return show(known, client.send(calls.agents_barred()).body, term, _draw_barred)


def _draw_pending(told: Mapping[str, Any], term: Terminal) -> None:
    _draw(told.get("agents"), _PENDING, ("MACHINE ID", "HOSTNAME", "FINGERPRINT", "REQUESTED"), term)


def _draw_barred(told: Mapping[str, Any], term: Terminal) -> None:
    _draw(told.get("keys"), _BARRED, ("FINGERPRINT", "MACHINE ID", "SINCE", "BY", "REASON"), term)


def _draw_tokens(told: Mapping[str, Any], term: Terminal) -> None:
    _draw(told.get("tokens"), _TOKEN, ("ID", "USES", "EXPIRES", "REVIEW", "CREATED BY"), term)


def _draw(found: object, fields: tuple[str, ...], headers: tuple[str, ...], term: Terminal) -> None:
    from osapi.cli import table
    from osapi.cli.cells import cell

    rows = [[cell(each.get(name)) for name in fields] for each in cast("list[dict[str, Any]]", found or [])]
    table.draw(term, headers, rows)


def _accept(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    request = calls.agent_accept(known["hostname"], known.get("fingerprint") or "")
    return show(known, client.send(request).body, term, agent_report.said)


def _reject(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_reject(known["hostname"])).body, term, agent_report.said)


def _revoke(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_revoke(known["hostname"])).body, term, agent_report.said)


def _allow(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    return show(known, client.send(calls.agent_allow(known["fingerprint"])).body, term, agent_report.said)


def _join_token(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import agent_report

    if known.get("list"):
        return show(known, client.send(calls.join_tokens()).body, term, _draw_tokens)
    if known.get("revoke"):
        return show(known, client.send(calls.join_token_drop(known["revoke"])).body, term, agent_report.said)
    servers: list[str] = known.get("server") or []
    wanted: dict[str, Any] = {
        "uses": known.get("uses", 1),
        "expires_s": _seconds(known.get("expires") or "1h"),
        "review": bool(known.get("review")),
        "servers": servers,
    }
    return show(known, client.send(calls.join_token_make(wanted)).body, term, _draw_made)


def _draw_made(told: Mapping[str, Any], term: Terminal) -> None:
    """The token alone is the result, so that a script can take it; what it is good for is for the person."""
    term.say(str(told.get("token")))
    waits = "waits until it is accepted" if told.get("review") else "is accepted at once"
    term.tell(
        f"good for {told.get('uses')} host(s) until {told.get('expires_at')}; who comes with it {waits}. On the host:\n"
        "  osapi agent start --join TOKEN"
    )


def _seconds(text: str) -> float:
    from osapi.config import duration

    try:
        return duration.parse(text).total_seconds()
    except ValueError as problem:
        raise BadUsage(f"--expires: {problem}") from problem


COMMANDS = {
    "agent accept": Plain(
        "Accept a host that waits to be enrolled.",
        (
            _NAME,
            Option(("--fingerprint",), "fingerprint", help="Only if its key has this fingerprint."),
        ),
        _accept,
    ),
    "agent reject": Plain("Reject a host that waits; its key is accepted no more.", (_NAME,), _reject),
    "agent revoke": Plain("Cut an agent off at once; its key is accepted no more.", (_NAME,), _revoke),
    "agent allow": Plain(
        "Let a key that was rejected or revoked join again, with a new join token.",
        (Option(("--fingerprint",), "fingerprint", help="Fingerprint of the key.", required=True),),
        _allow,
    ),
    "agent join-token": Plain(
        "Make a join token, with which hosts ask to be enrolled.",
        (
            Option(("--uses",), "uses", "int", "Hosts that may come with it.", default=1),
            Option(("--expires",), "expires", help="How long it is good, as 30m or 24h.", default="1h"),
            Option(("--review",), "review", "switch", "Hosts that come with it wait until they are accepted."),
            Option(
                ("--server",), "server", "text-list", "Address of the broker for these hosts, as nats://10.0.0.1:4222."
            ),
            Option(("--list",), "list", "switch", "Show the tokens instead, without their secrets."),
            Option(("--revoke",), "revoke", help="Revoke the token of this id instead."),
        ),
        _join_token,
    ),
}
