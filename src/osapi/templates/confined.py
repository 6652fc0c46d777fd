"""Renders one template in a process that may do nothing else: `python -I -m osapi.templates.confined`.

Standard input holds the job as JSON. Status 0: what the template became stands on standard output, and which
facts it looked at on standard error. Status 3: the fault stands there as JSON. Any other end means that a limit
was reached.

Before the template is read the process gives up what it can: it may open no file, write none, start no
process, and as root becomes nobody. So whoever should find a way out of the sandbox finds nothing outside.
See setrlimit(2); what is counted is memory, time on the processor, and output.
"""

from __future__ import annotations

import os
import resource
import sys

import msgspec

from osapi.templates import engine
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import CPU_S, FAULT, Context, Fault, Job

MEMORY_BYTES = 256 * 1024 * 1024
_NOBODY = 65534


def main() -> int:
    """Render what standard input holds."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    _warm_up(job.context)
    _give_up()
    try:
        rendered = engine.render(job.template, job.context, job.limit)
    except TemplateFault as problem:
        sys.stderr.buffer.write(msgspec.json.encode(Fault(line=problem.line, reason=problem.reason)))
        return FAULT
    sys.stdout.buffer.write(rendered.content)
    sys.stderr.buffer.write(msgspec.json.encode(rendered.facts))
    return 0


def _warm_up(context: Context) -> None:
    """Let everything be imported that rendering needs: later no file can be opened."""
    everything = b"{% for x in [1] %}{{ x | tojson }}{% endfor %}{{ 'x' | upper | indent }}{{ 'x' | urlize }}"
    engine.render(everything, context)
    try:
        engine.render(b"{{ nothing }}", context)
    except TemplateFault:
        return


def _give_up() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


if __name__ == "__main__":
    sys.exit(main())
