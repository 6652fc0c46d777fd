"""Renders a template in a process of its own, which has bounds and can do no harm: `osapi.templates.confined`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Protocol

import msgspec

from osapi.contract.errors import Permanent
from osapi.host.program import Completed, TimedOut
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import (
    CPU_S,
    FAULT,
    LONGEST_BYTES,
    LONGEST_OUTPUT,
    Context,
    Fault,
    Job,
    Rendered,
    too_long,
)

DEADLINE_S = 20.0
"""Seconds that rendering may take in all, on a host that has other things to do too."""
_MODULE = "osapi.templates.confined"


class Run(Protocol):
    """`Host.run`, as far as it is needed here."""

    async def __call__(
        self, argv: Sequence[str], *, stdin: bytes | None, deadline_s: float, output_limit: int
    ) -> Completed: ...


async def render(run: Run, template: bytes, context: Context) -> Rendered:
    """What the template becomes. Raises `TemplateFault`."""
    if len(template) > LONGEST_BYTES:
        raise too_long(len(template))
    job = msgspec.json.encode(Job(template=template, context=context))
    argv = [sys.executable, "-I", "-m", _MODULE]
    try:
        done = await run(argv, stdin=job, deadline_s=DEADLINE_S, output_limit=LONGEST_OUTPUT + 1)
    except TimedOut:
        raise TemplateFault(0, f"rendering takes longer than {DEADLINE_S:g} s") from None
    return _result(done)


def _result(done: Completed) -> Rendered:
    if done.exit_code == 0:
        return Rendered(content=done.stdout, facts=msgspec.json.decode(done.stderr, type=tuple[str, ...]))
    if done.exit_code == FAULT:
        fault = msgspec.json.decode(done.stderr, type=Fault)
        raise TemplateFault(fault.line, fault.reason)
    if done.signal in (signal.SIGXCPU, signal.SIGKILL):
        raise TemplateFault(0, f"rendering takes more than {CPU_S} s of the processor")
    words = done.stderr[-500:].decode("utf-8", "replace").strip()
    raise Permanent(f"the program that renders templates ended with {done.exit_code or done.signal}: {words}")
