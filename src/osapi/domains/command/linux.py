"""Runs what the caller says, on any Linux.

There is nothing to read before and nothing to compare after: a command always counts as a change, and in
check mode it is not run.
"""

from __future__ import annotations

import shlex
import signal

import msgspec

from osapi.contract.errors import DeadlineExceeded, MissingTool, NotFound
from osapi.domains.command.models import CommandResult, ExecRequest, ShellRequest, Surroundings
from osapi.domains.command.provider import CommandProvider
from osapi.host.door import Host
from osapi.host.output import as_text
from osapi.host.plan import Plan, Run
from osapi.host.program import Completed, TimedOut

STREAM_LIMIT = 256 * 1024
"""Bytes kept of each stream."""
JSON_LIMIT = 384 * 1024
"""Bytes of each stream in a result, as JSON spells it: both together stay below the broker's 1 MiB per message."""


class LinuxCommand:
    """Runs programs and shell text."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def execute(self, request: ExecRequest, /) -> CommandResult:
        """Run a program with arguments; no shell takes part. Raises `NotFound` when there is no such program."""
        try:
            return await self._run(decide((request.command, *request.args), request))
        except MissingTool as err:
            raise NotFound(err.message) from err

    async def shell(self, request: ShellRequest, /) -> CommandResult:
        """Run text by `/bin/sh -c`. Raises `MissingTool` on a host without a shell."""
        return await self._run(decide(("/bin/sh", "-c", "--", request.command), request))

    async def _run(self, plan: Plan) -> CommandResult:
        try:
            applied = await self._host.apply(plan)
        except TimedOut as err:
            raise DeadlineExceeded(err.message, details=msgspec.to_builtins(_result(err.partial))) from err
        if not applied.runs:
            return CommandResult(changed=True, diff=applied.diff, stdout="", stderr="")
        return _result(applied.runs[0])


def decide(argv: tuple[str, ...], request: Surroundings) -> Plan:
    """The one program to run, with the surroundings that were asked for."""
    run = Run(
        argv=argv,
        stdin=request.input.encode() or None,
        deadline_s=float(request.timeout),
        env=request.variables,
        cwd=request.cwd or "/",
        user=request.user or None,
        live=True,
        keep=request.keep_output,
        output_limit=STREAM_LIMIT,
        accept=None,
    )
    whom = f" as {request.user}" if request.user else ""
    return Plan((run,), f"would run{whom} in {run.cwd}: {shlex.join(argv)}")


def provider(host: Host) -> CommandProvider:
    """A provider for one job."""
    return LinuxCommand(host)


def _result(completed: Completed) -> CommandResult:
    stdout, out_cut = as_text(completed.stdout, JSON_LIMIT)
    stderr, err_cut = as_text(completed.stderr, JSON_LIMIT)
    number = completed.signal
    return CommandResult(
        changed=True,
        stdout=stdout,
        stderr=stderr,
        exit_code=completed.exit_code if number is None else 128 + number,
        signal="" if number is None else signal.Signals(number).name,
        duration_ms=round(completed.duration_s * 1000),
        truncated=completed.truncated or out_cut or err_cut,
        kept=list(completed.kept),
    )
