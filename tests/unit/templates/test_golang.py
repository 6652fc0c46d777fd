"""Templates in the syntax of Go: what they become is what Go's own documentation of text/template says."""

from __future__ import annotations

import pytest

from osapi.templates import engine, golang
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import Context

CONTEXT = Context(
    facts={"os": "debian", "nics": [{"name": "eth0", "up": True}, {"name": "lo", "up": False}], "load": 0.5},
    vars={"port": 80, "on": True, "off": False, "empty": "", "m": {"b": 2, "a": 1}, "list": [3, 4], "none": []},
    hostname="web-01",
)


def render(text: str) -> str:
    engine.check(text.encode())
    assert golang.is_go(text)
    assert golang.to_jinja(text).count("\n") == text.count("\n")
    return engine.render(text.encode(), CONTEXT).content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Hostname }} {{.Facts.os}} {{ $.Vars.port }}", "web-01 debian 80"),
        ("{{ .Vars.on }} {{ .Vars.list }} {{ .Vars.m }}", "true [3 4] map[a:1 b:2]"),
        ("{{if .Vars.on}}yes{{else}}no{{end}}", "yes"),
        ("{{if .Vars.empty}}yes{{else if .Vars.off}}maybe{{else}}no{{end}}", "no"),
        ('{{ if eq .Facts.os "ubuntu" "debian" }}apt{{ end }}', "apt"),
        ('{{ if and .Vars.on (not .Vars.off) (ne .Facts.os "x") }}all{{ end }}', "all"),
        ("{{ if or .Vars.off .Vars.on }}any{{ end }}", "any"),
        ("{{ if and (ge .Vars.port 80) (lt .Vars.port 81) }}in{{ end }}", "in"),
        ("{{ range .Facts.nics }}{{ .name }}={{ .up }} {{ end }}", "eth0=true lo=false "),
        ("{{ range $n := .Facts.nics }}{{ $n.name }}@{{ $.Hostname }} {{ end }}", "eth0@web-01 lo@web-01 "),
        ("{{ range $i, $n := .Facts.nics }}{{ $i }}:{{ $n.name }} {{ end }}", "0:eth0 1:lo "),
        ("{{ range $k, $v := .Vars.m }}{{ $k }}={{ $v }};{{ end }}", "a=1;b=2;"),
        ("{{ range .Vars.list }}{{ . }},{{ end }}", "3,4,"),
        ("{{ range .Vars.none }}{{ . }}{{ else }}none of {{ .Hostname }}{{ end }}", "none of web-01"),
        ("{{ range .Facts.nics }}{{ range $.Vars.list }}{{ . }}{{ end }}{{ .name }}{{ end }}", "34eth034lo"),
        ("{{ with .Vars.m }}{{ .a }}{{ else }}no{{ end }}{{ .Hostname }}", "1web-01"),
        ("{{ with $x := .Vars.empty }}{{ $x }}{{ else }}empty {{ .Hostname }}{{ end }}", "empty web-01"),
        ("{{ $p := .Vars.port }}{{ $p }}", "80"),
        ("{{ (index .Facts.nics 1).name }}", "lo"),
        ('{{ index .Vars.list 1 }} {{ index .Vars.m "b" }} {{ (index .Facts.nics 0).name }}', "4 2 eth0"),
        ("{{ len .Vars.list }} {{ .Facts.nics | len }} {{ print .Vars.port }}", "2 2 80"),
        ("a  {{- .Vars.port -}}  b", "a80b"),
        ("a\n{{- if .Vars.on }}\nb\n{{- end }}\nc\n", "a\nb\nc\n"),
        ("a{{/* a comment }} */}}b{{- /* c */ -}} d", "abd"),
        ('{{ .Hostname }}{{ "}}" }}{{ `{{ "raw" }}` }}', 'web-01}}{{ "raw" }}'),
        ("{{ .Hostname }} {% raw %} {# not a comment #}", "web-01 {% raw %} {# not a comment #}"),
        ('{{ if eq .Facts.os "d\\u0065bian" }}{{ "tab\\t" }}{{ end }}', "tab\t"),
        ("{{ if eq .Vars.port -1 }}{{ else }}{{ .Facts.load }}{{ end }}", "0.5"),
        ("{{ if eq .Vars.on true }}t{{ end }}", "t"),
    ],
)
def test_a_template_becomes(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('a\n{{ printf "%d" .Vars.port }}', 2, "the function `printf` is not supported"),
        ('{{ template "x" . }}', 1, "`template` is not supported"),
        ('{{ define "x" }}{{ end }}', 1, "`define` is not supported"),
        ("{{ range .Vars.list }}\n{{ break }}{{ end }}", 2, "`break` is not supported"),
        ("{{ if .Vars.on }}\n\n{{ range .Vars.list }}", 3, "`range` without its `end`"),
        ("a\n{{ end }}", 2, "`end` without"),
        ("a\n{{ else }}{{ .Hostname }}", 2, "`else` without"),
        ("{{ with .Vars.m }}{{ else with .Vars.n }}{{ end }}", 1, "`else with .Vars.n` is not supported"),
        ("{{ .Vars.x.Method 1 }}", 1, "one value or one function"),
        ("{{ eq .Vars.port }}", 1, "`eq` does not take 1 arguments"),
        ("{{ .Hostname }}{{ (.Vars.on }}", 1, "a parenthesis is not closed"),
        ("{{ .Hostname\n}}\n{{ 'c' }}", 3, "`'c'` is not understood"),
        ("{{ .Hostname }}\n{{ .Vars.a", 2, "an action that is not closed"),
        ("{{ if }}{{ end }}", 1, "one value or one function"),
        ("{{ .Hostname | }}", 1, "one value or one function"),
        ("{{ .a }}{{ " + "(" * 5000 + " }}", 0, "nested too deeply"),
    ],
)
def test_what_has_no_translation_is_refused_with_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        engine.check(text.encode())
    assert caught.value.line == line
    assert reason in caught.value.reason


@pytest.mark.parametrize("text", ["{{ .Vars.missing }}", "{{ if .Vars.missing }}{{ end }}", "{{ .Facts.os.deep.x }}"])
def test_a_missing_key_is_an_error(text: str) -> None:
    engine.check(text.encode())
    with pytest.raises(TemplateFault, match="line 1: there is no"):
        engine.render(text.encode(), CONTEXT)


@pytest.mark.parametrize(
    "text",
    [
        "{{ facts.os }}",
        "{% if x %}{% endif %}",
        "{{ -1 }}",
        "{{ 'x' | upper }}",
        "{{ ifx }}",
        "{{ range(3) | list }}",
        "{{ not (x) }}",
    ],
)
def test_what_jinja_understands_is_left_alone(text: str) -> None:
    assert not golang.is_go(text)
