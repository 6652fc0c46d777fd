"""The commands below `osapi client job`: jobs and dead letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from osapi.cli import asking, exit_status
from osapi.cli.option import BadUsage, Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls, errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.raw import RawClient
    from osapi.sdk.request import Request

STATUSES = (
    "submitted", "processing", "completed", "failed", "partial_failure", "skipped",
    "timeout", "cancelled", "interrupted", "rejected", "expired",
)  # fmt: skip
_LIMIT = 10

_JOB_ID = Option(("--job-id",), "job_id", help="Id of the job.", required=True, completes="job")
_LETTER_ID = Option(("--id",), "letter_id", "int", "Id of the dead letter.", required=True)
_FILTERS = (
    Option(("--status",), "status", help="Only jobs in this state.", choices=STATUSES),
    Option(("--operation",), "operation", help="Only this operation, as node.sysctl.create."),
    Option(("--target",), "target", help="Only jobs to this target, as it was typed.", completes="target"),
    Option(("--actor",), "actor", help="Only jobs of this token subject."),
    Option(("--since",), "since", help="Only jobs from this time on: 2026-01-31T12:00:00Z, or 90m, 2h, 7d for ago."),
    Option(("--until",), "until", help="Only jobs before this time."),
)
_PAGE = (
    Option(("--limit",), "limit", "int", "Most jobs to show, up to 100.", default=_LIMIT),
    Option(("--offset",), "offset", "int", "Jobs to leave out, from the newest on.", default=0),
    Option(("--cursor",), "cursor", help="Where to go on: next_cursor of the page before."),
)

GROUPS = {"job dead-letter": "Deliveries that came to nothing: no host began in time, or it refused the job."}


def find(words: str) -> Leaf | None:
    """The command of these words, for example `job dead-letter list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every group and command by its words, with a line of help."""
    return {**GROUPS, **{words: command.summary for words, command in _COMMANDS.items()}}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    query = {option.dest: known.get(option.dest) for option in (*_FILTERS, *_PAGE)}
    query |= {"limit": known.get("limit", _LIMIT), "offset": known.get("offset", 0)}
    query |= {name: _moment(f"--{name}", known.get(name)) for name in ("since", "until")}
    page = asking.json_object(client.send(calls.job_list(**query)).body)
    if known.get("json"):
        term.say(json.dumps(job_report.list_object(page, query), indent=2, ensure_ascii=False))
    else:
        job_report.page(page, query, term)
    return exit_status.OK


def _get(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    return show(known, client.send(calls.job_get(known["job_id"])).body, term, job_report.detail)


def _delete(known: Values, client: RawClient, term: Terminal) -> int:
    from datetime import UTC, datetime

    from osapi.cli import job_report

    client.send(calls.job_delete(known["job_id"]))
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = {"status": "deleted", "job_id": known["job_id"], "timestamp": now}
    return show(known, json.dumps(told).encode(), term, job_report.created)


def _retry(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report, secret

    sources = secret.of_process()
    secrets = secret.named(known.get("secret", ()), sources)
    try:
        body = client.send(_again(known, secrets)).body
    except errors.ApiError as problem:
        if problem.code != "secrets_needed" or sources.ask is None:
            raise
        needed: list[str] = problem.details["fields"]
        body = client.send(_again(known, {**secrets, **secret.named(needed, sources)})).body
    return show(known, body, term, job_report.created)


def _again(known: Values, secrets: Mapping[str, str]) -> Request:
    return calls.job_retry(known["job_id"], known.get("target_hostname"), secrets)


def _cancel(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    return show(known, client.send(calls.job_cancel(known["job_id"])).body, term, job_report.created)


def _watch(known: Values, client: RawClient, term: Terminal) -> int:
    """The exit status is that of the job."""
    from osapi.cli import job_report
    from osapi.sdk.events import follow

    status, job_id = "", known.get("job_id")
    for event in follow(client, job_id):
        told = asking.json_object(event.data.encode())
        status = str(told.get("status") or status)
        if known.get("json"):
            term.say(event.data)
        else:
            job_report.event(event.event, told, term, with_job=job_id is None)
        term.out.flush()
    return exit_status.OF_JOB.get(status, exit_status.ALL_FAILED)


def _output(known: Values, client: RawClient, term: Terminal) -> int:
    """One output goes where it was asked for; without --name, or of several hosts, they are listed."""
    from osapi.cli import job_report

    job_id, name, host = known["job_id"], known.get("name"), known.get("host")
    answer = client.send(calls.job_outputs(job_id))
    found = [one for one in asking.json_object(answer.body)["items"] if _is_wanted(one, name, host)]
    if name is None:
        return show(known, answer.body, term, job_report.outputs)
    if len({one["machine_id"] for one in found}) > 1:
        raise BadUsage("--host: several hosts have kept it; name one")
    from osapi.cli.putting import STANDARD_OUTPUT, put
    from osapi.sdk.saving import checked

    one = found[0] if found else {"machine_id": host or "_", "sha256": ""}
    pieces = client.stream(calls.job_output(job_id, one["machine_id"], name))
    put(checked(name, one.get("sha256", ""), pieces), known.get("output", STANDARD_OUTPUT), term)
    return exit_status.OK


def _is_wanted(output: Mapping[str, Any], name: str | None, host: str | None) -> bool:
    return output["name"] == name and host in (None, output["hostname"], output["machine_id"])


def _letters(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    return show(known, client.send(calls.dead_letter_list(known.get("limit"))).body, term, job_report.letters)


def _replay(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    return show(known, client.send(calls.dead_letter_replay(known["letter_id"])).body, term, job_report.created)


def _purge(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import job_report

    letter_id = known.get("letter_id")
    if (letter_id is None) is not known.get("everything", False):
        raise BadUsage("name one with --id, or all of them with --all")
    return show(known, client.send(calls.dead_letter_purge(letter_id)).body, term, job_report.purged)


def _moment(option: str, text: str | None) -> str | None:
    """A time for the API, from a time or from how long ago it was."""
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdecimal() and text[-1] in units:
        return (datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})).isoformat()
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError:
        raise BadUsage(f"{option}: {text!r} is no time; write 2026-01-31T12:00:00Z, or 2h for two hours ago") from None


_COMMANDS = {
    "job list": Plain("List jobs, newest first.", _FILTERS + _PAGE, _list),
    "job get": Plain("Show one job: its timeline and every host's answer.", (_JOB_ID,), _get),
    "job delete": Plain(
        "Delete a job and all its traces; one that is under way is cancelled first.", (_JOB_ID,), _delete
    ),
    "job retry": Plain(
        "Submit the same operation again, as a new job.",
        (
            _JOB_ID,
            Option(
                ("--target-hostname",),
                "target_hostname",
                help="Where to run it.",
                default="where it ran before",
                completes="target",
            ),
            Option(
                ("--secret",),
                "secret",
                "secret-list",
                "A secret of the job, which nobody has kept: NAME to be asked for it, or NAME=@FILE. Repeat it for each.",
                default="asked for",
            ),
        ),
        _retry,
    ),
    "job cancel": Plain("Stop a job on every host that has not finished it.", (_JOB_ID,), _cancel),
    "job output": Plain(
        "List the output of a job that is kept whole, or download one.",
        (
            _JOB_ID,
            Option(("--name",), "name", help="Which to download: stdout, stderr, or content of a file."),
            Option(("--host",), "host", help="Of which host, by name or machine id.", default="the only one"),
            Option(("--output", "-o"), "output", help="Where to put it.", default="-, which is standard output"),
        ),
        _output,
    ),
    "job watch": Plain(
        "Follow a job to its end, as it happens; without --job-id, everything that happens to any job.",
        (_JOB_ID._replace(required=False),),
        _watch,
    ),
    "job dead-letter list": Plain(
        "List dead letters, newest first.",
        (Option(("--limit",), "limit", "int", "Most letters to show, up to 1000.", default=100),),
        _letters,
    ),
    "job dead-letter replay": Plain(
        "Submit the job of a dead letter again to the host it did not reach.",
        (_LETTER_ID,),
        _replay,
    ),
    "job dead-letter purge": Plain(
        "Delete one dead letter, or all of them.",
        (_LETTER_ID._replace(required=False), Option(("--all",), "everything", "switch", "Every dead letter.")),
        _purge,
    ),
}
