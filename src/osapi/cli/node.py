"""The commands below `osapi client node`, derived from the declared operations.

Nothing here knows an operation by name, and no domain is imported: what a command needs to know stands in
`_commands.py`. `perform` does the work.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

from osapi.cli.option import BadUsage, Option, values
from osapi.cli.tree import Leaf, shared_options

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_HAND = {"node file fetch": "osapi.cli.fetch"}
"""Commands that do more than ask and show; each is in a module with `find`."""
FORMATS = ("table", "wide", "json", "jsonl")

NODE_OPTIONS = (
    Option(
        ("--target", "-T"),
        "target",
        help="Host name, machine id, label as key:value, _any, _all, or a query: 'group:web and not @fact.os:debian'.",
        default="_all",
        completes="target",
    ),
    Option(("--output", "-o"), "output", help="How to print the answers.", default="table", choices=FORMATS),
    Option(("--wait",), "wait", "float", "Seconds to wait for the hosts.", default="as the controller is set"),
    Option(("--async",), "respond_async", "switch", "Do not wait; print the job id."),
)
MODIFY_OPTIONS = (
    Option(("--yes", "-y"), "yes", "switch", "Change many hosts without asking."),
    Option(("--dry-run", "--check"), "dry_run", "switch", "Only tell what would change."),
    Option(
        ("--idempotency-key",),
        "idempotency_key",
        help="Name of this request: sent again with the same name, it finds the first job.",
        default="random",
    ),
)
OUTPUT_OPTIONS = (
    Option(("--stdout",), "stdout", "switch", "Print only the standard output of the hosts, each line after [HOST]."),
    Option(("--stderr",), "stderr", "switch", "Print only the standard error of the hosts, each line after [HOST]."),
    Option(("--follow",), "follow", "switch", "Print what the hosts write as they write it."),
)


class Column(NamedTuple):
    """One column of the table; see `contract.operation.Column`."""

    title: str
    path: str
    format: str


class Command(NamedTuple):
    """One derived command. `deadline_s` is how long the work may take on a host.

    `permission` is what it needs. `lasts` is how a request says so itself: a switch that has to be set (empty: always),
    and the fields that are added up, with their defaults; empty when it does not. `follows` tells that it has a field
    `follow`, `output` that a host answers with `stdout`, `stderr` and `exit_code`. `flags` come with the field of the
    request each fills, by its name on the wire; `secrets` are those of them that hold secrets, each with whether it must
    be there, and `switches` take these from elsewhere. `details` is what to show of one host alone; empty when its row
    tells enough.
    """

    words: str
    method: str
    path: str
    permission: str
    modifies: bool
    deadline_s: float
    lasts: tuple[Any, ...]
    follows: bool
    output: bool
    flags: tuple[tuple[Option, str], ...]
    secrets: tuple[tuple[Option, bool], ...]
    switches: tuple[Option, ...]
    columns: tuple[Column, ...]
    details: tuple[Column, ...]

    def options(self) -> tuple[Option, ...]:
        """Every option: the command's own flags, then those that it shares."""
        own = tuple(option for option, _ in self.flags)
        output = OUTPUT_OPTIONS if self.output else ()
        modify = MODIFY_OPTIONS if self.modifies else ()
        return own + self.switches + output + modify + NODE_OPTIONS + shared_options()


class Call(NamedTuple):
    """What is to be done: a command, the fields of its request by their names on the wire, and the options."""

    command: Command
    fields: dict[str, Any]
    target: str = "_all"
    output: str = "table"
    wait_s: float | None = None
    respond_async: bool = False
    yes: bool = False
    dry_run: bool = False
    idempotency_key: str | None = None
    stdout: bool = False
    stderr: bool = False
    follow: bool = False
    url: str | None = None
    ca_file: str | None = None
    pin: str | None = None
    osapi_file: str | None = None
    debug: bool = False


def find(words: str) -> Leaf | None:
    """The command of these words, for example `node sysctl get`."""
    if words in _BY_HAND:
        area: Leaf | None = importlib.import_module(_BY_HAND[words]).find(words)
        return area
    from osapi.cli._commands import COMMANDS

    entry = COMMANDS.get(words)
    if entry is None:
        return None
    command = _command(words, entry)

    def run(given: Mapping[str, Any], environ: Mapping[str, str]) -> int:
        call = interpret(command, with_secrets(command, given))
        from osapi.cli.perform import perform

        return perform(call, environ)

    return Leaf(words, str(entry["summary"]), command.options(), run)


def lines() -> dict[str, str]:
    """Every group and command by its words, with a line of help."""
    from osapi.cli._commands import COMMANDS, GROUPS

    return {**GROUPS, **{name: str(entry["summary"]) for name, entry in COMMANDS.items()}}


def with_secrets(command: Command, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given, each secret replaced by what it stands for. Raises `BadUsage`."""
    if not command.secrets:
        return given
    from osapi.cli import secret

    return {**given, **secret.resolve(command.secrets, given, secret.of_process())}


def interpret(command: Command, given: Mapping[str, Any]) -> Call:
    """Make a call of what was given. Raises `BadUsage`."""
    known = values(command.options(), given)
    wait_s, key = known.get("wait"), known.get("idempotency_key")
    _check(wait_s, key)
    fields = {
        field: known.get(option.dest, option.default)
        for option, field in command.flags
        if option.dest in known or option.is_sent
    }
    return Call(
        command,
        fields,
        target=known.get("target", "_all"),
        output="json" if known.get("json") else known.get("output", "table"),
        wait_s=wait_s or None,
        respond_async=known.get("respond_async", False) or wait_s == 0,
        yes=known.get("yes", False),
        dry_run=known.get("dry_run", False),
        idempotency_key=key,
        stdout=known.get("stdout", False),
        stderr=known.get("stderr", False),
        follow=known.get("follow", False) or (command.follows and fields.get("follow", False)),
        url=known.get("url"),
        ca_file=known.get("ca_file"),
        pin=known.get("pin"),
        osapi_file=known.get("osapi_file"),
        debug=known.get("debug", False),
    )


def _check(wait_s: float | None, key: str | None) -> None:
    if wait_s is not None:
        from osapi.sdk.calls import LONGEST_WAIT_S

        if not 0 <= wait_s <= LONGEST_WAIT_S:
            raise BadUsage(f"--wait: {wait_s:g} is not allowed; give 0 to {LONGEST_WAIT_S:g} seconds")
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise BadUsage("--idempotency-key: use visible ASCII characters without blanks, such as a UUID")


def _command(words: str, entry: Mapping[str, Any]) -> Command:
    flags: list[tuple[Option, str]] = []
    secrets: list[tuple[Option, bool]] = []
    switches: list[Option] = []
    for number, (name, field, kind, required, default, choices, told, *sent) in enumerate(entry["flags"]):
        option = Option((f"--{name}",), f"field_{number}", kind, told, required, default, choices, is_sent=bool(sent))
        if option.is_secret:
            from osapi.cli import secret

            option, switch = secret.options(option)
            secrets.append((option, required))
            switches.append(switch)
        flags.append((option, field))
    return Command(
        words=words,
        method=entry["method"],
        path=entry["path"],
        permission=entry["permission"],
        modifies=entry["modifies"],
        deadline_s=entry["deadline_s"],
        lasts=entry["lasts"],
        follows=entry["follows"],
        output=entry["output"],
        flags=tuple(flags),
        secrets=tuple(secrets),
        switches=tuple(switches),
        columns=tuple(Column(*column) for column in entry["columns"]),
        details=tuple(Column(*column) for column in entry["details"]),
    )
