"""Row 38 of the fault matrix: templates that try to get out, or to take all time and memory, on a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from osapi.host.identity import Claims
from osapi.host.local import LocalHost, open_host
from osapi.host.program import OVERRUN_S
from osapi.host.rendering import DEADLINE_S
from osapi.templates.confined import MEMORY_BYTES
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import Context

pytestmark = pytest.mark.anyio

CANARY = "canary-4711"
CONTEXT = Context(facts={"os": "debian", "list": [1]}, vars={"text": "x"}, hostname="web-01")
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__mro__'] }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__['os'] }}",
    "{{ self.__init__.__globals__.__builtins__.open('PATH').read() }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ range.__self__ }}",
    "{{ pairs.__globals__['__builtins__'] }}",
    "{{ dict.mro() }}",
    "{{ (lambda: 1)() }}",
    "{{ facts.__class__.__init__.__globals__ }}",
    "{{ facts.get.__self__.__class__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(facts) }}",
    "{{ '{0.__class__}'.format_map({'0': facts}) }}",
    "{{ ('%s'|format(facts.get))|attr('__func__') }}",
    "{{ config.items() }}{{ request.application.__globals__ }}",
    "{{ vars.update({'x': 1}) }}",
    "{{ facts.list.append(2) }}",
    "{% include 'PATH' %}",
    "{% import 'os' as os %}{{ os.popen('cat PATH').read() }}",
    "{% extends 'PATH' %}",
    "{% set x = ''.__class__ %}{{ x }}",
    "{{ [].__class__.__base__ }}",
    "{{ ().__reduce_ex__(2) }}",
    "{{ url_for.__globals__ }}{{ lipsum.__globals__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{% if 'warning' in x.__name__ %}{{ x()._module }}{% endif %}{% endfor %}",
    "{{ root.Facts.__class__ }}",
    "{{ .Facts.__class__.__mro__ }}",
    '{{ index .Facts "__class__" }}',
    "{{ call .Vars.text }}",
    "{{ (joiner|attr('__init__'))|attr('__globals__') }}",
    "{{ ''|map(attribute='__class__')|list }}",
    "{{ ['x']|map(attribute='__class__')|first }}",
    "{{ ['x']|groupby('__class__') }}",
    "{{ ['x']|sort(attribute='__class__.__name__')|first|attr('__class__') }}",
]
BOMBS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{{ 'a' * 100000000000 }}",
    "{{ ('a' * 100000000) ~ ('b' * 100000000) ~ ('c' * 100000000) }}",
    "{{ 'a'|center(100000000000) }}",
    "{{ '%100000000000d'|format(1) }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ [0] * 10000000000 }}",
    "{{ ([0] * 30000000)|list|sort|string }}",
    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "{% macro f() %}{% for i in range(99999) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{{ range(99999)|map('string')|join|batch(1)|list|string * 1000 }}",
    "{{ 'a'|indent(100000000000) }}",
    "{{ ('x' * 100000)|urlize }}{{ ('a@' * 50000)|urlize }}",
    "{{ ('(' * 30000)|wordwrap(1) }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
    "{{ " + "[" * 50_000 + "]" * 50_000 + " }}",
    "{% if a %}" * 20_000,
]


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    made = await open_host(tmp_path, claims=Claims(machine_id="test", labels={}))
    yield made
    made.close()


async def test_row_38_nothing_gets_out_of_the_sandbox(host: LocalHost, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o644)
    escapes = 0
    for text in ESCAPES:
        try:
            rendered = await host.render(text.replace("PATH", str(secret)).encode(), CONTEXT)
        except TemplateFault:
            continue
        escapes += any(word in rendered.content for word in (CANARY.encode(), b"uid=", b"<class", b"__builtins__"))
    print(f"\nrow 38: payloads to get out of a template = {len(ESCAPES)}, escapes = {escapes}")
    assert escapes == 0


BOMBER = """
import asyncio, contextlib, json, resource, sys, time
from pathlib import Path
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import LONGEST_OUTPUT, Context

async def main():
    host = await open_host(Path(sys.argv[1]), claims=Claims(machine_id="test", labels={}))
    context = Context(facts={"os": "debian"}, vars={}, hostname="web-01")
    slowest = ended = 0
    for text in json.load(sys.stdin):
        begin = time.monotonic()
        with contextlib.suppress(TemplateFault):  # some do end by themselves
            assert len((await host.render(text.encode(), context)).content) <= LONGEST_OUTPUT
        ended += 1
        slowest = max(slowest, time.monotonic() - begin)
    host.close()
    print(ended, slowest, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)

asyncio.run(main())
"""


def test_row_38_a_bomb_ends_in_bounded_time_and_memory(tmp_path: Path) -> None:
    """In a program of its own, whose children are these renderings and nothing else."""
    command = [sys.executable, "-c", BOMBER, str(tmp_path)]
    told = subprocess.run(command, input=json.dumps(BOMBS), capture_output=True, text=True, check=True).stdout.split()
    ended, slowest, peak_mb = int(told[0]), float(told[1]), float(told[2])
    print(f"\nrow 38: template bombs = {len(BOMBS)}, ended = {ended}, max s = {slowest:.1f}, max MB = {peak_mb:.0f}")
    assert ended == len(BOMBS)
    assert slowest < DEADLINE_S + OVERRUN_S + 1
    assert peak_mb < MEMORY_BYTES / 1024 / 1024
