from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from osapi.templates import engine
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import LONGEST_BYTES, Context

CONTEXT = Context(
    facts={"os": "debian", "cpus": 4, "nics": [{"name": "eth0"}, {"name": "lo"}], "custom": {"items": "mine"}},
    vars={"port": 80, "on": True, "names": ["a", "b"], "nothing": None, "text": "x"},
    hostname="web-01",
)


def render(text: str, **more: Any) -> str:
    return engine.render(text.encode(), CONTEXT, **more).content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain\n", "plain\n"),
        ("no newline at the end", "no newline at the end"),
        ("{{ hostname }} {{ facts.os }} {{ vars.port }}", "web-01 debian 80"),
        ("{% for nic in facts.nics %}{{ nic.name }} {% endfor %}", "eth0 lo "),
        ("{{ facts.custom.items }}", "mine"),
        ("{{ vars.missing | default('x') }}", "x"),
        ("{% if vars.on %}on{% endif %}", "on"),
        ("{{ vars.names | tojson }}", '["a", "b"]'),
        ("a\r\nb\r\n{{ hostname }}\r\n", "a\r\nb\r\nweb-01\r\n"),
        ("ü {{ vars.text }} €", "ü x €"),
    ],
)
def test_a_template_becomes(text: str, expected: str) -> None:
    engine.check(text.encode())
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a\n{{ vars.none }}", 2, "there is no 'none' in facts, vars or hostname"),
        ("a\n\n{{ other }}", 3, "there is no 'other' in facts, vars or hostname"),
        ("{{ facts.nics[5].name }}", 1, "there is no 5 in facts, vars or hostname"),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        ("a\n{{ 'x' + 1 }}", 2, 'can only concatenate str (not "int") to str'),
    ],
)
def test_what_shows_only_when_it_is_rendered_has_its_line(text: str, line: int, reason: str) -> None:
    engine.check(text.encode())
    with pytest.raises(TemplateFault) as caught:
        render(text)
    assert (caught.value.line, caught.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a\n{% if x %}", 2, "Unexpected end of template"),
        ("a\n{{ x", 2, "unexpected end of template"),
        ("\n\n{{ x | no_such }}", 3, "there is no filter 'no_such'"),
        ("{{ x is no_such }}", 1, "there is no test 'no_such'"),
        ("a\n{% include 'x' %}", 2, "`include` is not possible"),
        ("{% import 'x' as y %}", 1, "`import` is not possible"),
        ("{% extends 'x' %}", 1, "`extends` is not possible"),
        ("{{ x | random }}", 1, "there is no filter 'random'"),
        ("{{ " + "(" * 5000 + " }}", 0, "nested too deeply"),
    ],
)
def test_what_can_never_be_rendered_is_refused_before(text: str, line: int, reason: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        engine.check(text.encode())
    assert caught.value.line == line
    assert reason in caught.value.reason
    with pytest.raises(TemplateFault):
        render(text)


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(TemplateFault, match="line 2: it is not UTF-8; upload it as raw"):
        engine.check(b"a\n\xff")


def test_a_template_has_a_longest_size() -> None:
    engine.check(b"x" * LONGEST_BYTES)
    with pytest.raises(TemplateFault, match="at most"):
        engine.check(b"x" * (LONGEST_BYTES + 1))


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 1000000000000 }}",
        "{{ 10 ** 100000000 }}",
        "{{ 'a' | center(1000000000000) }}",
        "{{ '%1000000000000d' | format(1) }}",
        "{{ 'a' | indent(1000000000000) }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ {{ {{" * 10_000,
        "{{" * 100_000,
        "{% if a %}" * 20_000,
        "{{ a }}" * 30_000,
        '{{ "' + "\\" * 200_000,
        "{{ .a" * 40_000,
        "{{/*" * 60_000,
        "{#" * 120_000,
    ],
    ids=lambda text: text[:24],
)
def test_checking_costs_little_whatever_is_written(text: str) -> None:
    begin = time.process_time()
    with contextlib.suppress(TemplateFault):
        engine.check(text.encode())
    assert time.process_time() - begin < 5


def test_output_is_bounded() -> None:
    with pytest.raises(TemplateFault, match="longer than 10 bytes"):
        render("{% for a in range(9) %}xx{% endfor %}", limit=10)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("{{ hostname }}", ()),
        ("{{ facts.os }}", ("os",)),
        ("{{ facts['os'] }}{{ facts.get('cpus') }}", ("cpus", "os")),
        ("{% if 'os' in facts %}{% endif %}", ("os",)),
        ("{% set f = facts %}{{ f.os }}", ("os",)),
        ("{{ facts.none | default('') }}", ("none",)),
        ("{{ facts | tojson }}", ("cpus", "custom", "nics", "os")),
        ("{% for name in facts %}{% endfor %}", ("cpus", "custom", "nics", "os")),
        ("{% for name, value in facts.items() %}{% endfor %}", ("cpus", "custom", "nics", "os")),
        ("{{ .Facts.os }}", ("os",)),
        ("{{ range .Facts.nics }}{{ end }}", ("nics",)),
    ],
)
def test_it_is_known_which_facts_were_looked_at(text: str, facts: tuple[str, ...]) -> None:
    assert engine.render(text.encode(), CONTEXT).facts == facts
