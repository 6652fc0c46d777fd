"""Carries out one call of a derived command: asks where it must, sends, prints, and says how it went."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from osapi.cli import asking, exit_status, session, terminal, tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.asking import Answer
    from osapi.cli.node import Call
    from osapi.cli.terminal import Terminal
    from osapi.sdk.raw import RawClient

_ABOUT_LISTED = (
    *("get", "inspect", "update", "delete", "logs", "stats", "signal"),
    *("start", "stop", "restart", "pause", "unpause", "enable", "disable"),
)
"""Verbs whose thing `list` shows. What an `install`, `create` or `exec` does not find is something else."""


def perform(call: Call, environ: Mapping[str, str]) -> int:
    """Do it and return the exit status."""
    term = terminal.of_process(environ)
    return session.run(
        lambda client: _perform(call, client, term),
        term,
        environ,
        url=call.url,
        ca_file=call.ca_file,
        pin=call.pin,
        osapi_file=call.osapi_file,
        as_json=call.output in ("json", "jsonl"),
        debug=call.debug,
        asks_hosts=True,
        listing=_listing(call),
    )


def _listing(call: Call) -> str:
    """The command that lists what this one is about; empty when there is none, or this one may look elsewhere."""
    group, _, verb = call.command.words.rpartition(" ")
    words = f"{group} list"
    return f"{words} -T {call.target}" if verb in _ABOUT_LISTED and tree.find(words) is not None else ""


def _perform(call: Call, client: RawClient, term: Terminal) -> int:
    if needs_consent(call) and not _has_consent(call, client, term):
        return exit_status.USAGE
    if call.respond_async:
        return _submit(call, client, term)
    if call.follow:
        from osapi.cli import live

        return live.follow(call, client, term)
    return show(call, _ask(call, client, term), term)


def _ask(call: Call, client: RawClient, term: Terminal) -> Answer:
    if term.watched and asking.is_broadcast(call.target) and call.output in ("table", "wide"):
        from osapi.cli import progress

        return progress.follow(call, client, term)
    return asking.read(client.send(asking.to_request(call, asking.waiting_time(call))).body)


def show(call: Call, answer: Answer, term: Terminal) -> int:
    """Print the answer in the form asked for and return the exit status."""
    if call.stdout or call.stderr:
        from osapi.cli import report

        report.output(call, answer.entries, term)
        return exit_status.of_output(answer.entries)
    if call.output == "json":
        term.say_bytes(answer.body)
    elif call.output == "jsonl":
        for entry in answer.entries:
            term.say(json.dumps(entry, ensure_ascii=False))
    else:
        from osapi.cli import report

        report.results(call, answer, term)
    return exit_status.of_results(answer.entries)


def needs_consent(call: Call) -> bool:
    """Whether this changes what may be many hosts, and nobody has agreed to it on the line."""
    return call.command.modifies and asking.is_broadcast(call.target) and not (call.yes or call.dry_run)


def _has_consent(call: Call, client: RawClient, term: Terminal) -> bool:
    from osapi.cli import meant

    who = meant.described(call, client)
    what = call.command.words.removeprefix("node ")
    if not term.can_ask:
        term.tell(
            f"osapi: `{what}` would run on {who}, and nobody is there to agree; add --yes, or name a host with --target"
        )
        return False
    term.ask(f"`{what}` will run on {who} (--target {call.target}). Go on? [y/N] ")
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    term.tell("Nothing was done.")
    return False


def _submit(call: Call, client: RawClient, term: Terminal) -> int:
    body = client.send(asking.to_request(call, None)).body
    if call.output in ("json", "jsonl"):
        term.say_bytes(body)
        return exit_status.OK
    from osapi.cli import report

    job_id = str(asking.json_object(body).get("job_id") or "")
    report.pair(term, "Job ID", job_id)
    term.tell(f"The hosts go on by themselves: osapi client job watch --job-id {job_id}")
    return exit_status.OK
