"""Reads and renders templates. What is rendered may take all time and memory there is: see `confined`."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from osapi.templates import golang
from osapi.templates.expressions import ROOT
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import LONGEST_BYTES, LONGEST_OUTPUT, Context, Rendered, too_long

_NAME = "<template>"
_ELSEWHERE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def read(content: bytes) -> str:
    """The text of a template for Jinja2. Raises `TemplateFault`."""
    if len(content) > LONGEST_BYTES:
        raise too_long(len(content))
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise TemplateFault(line, "it is not UTF-8; upload it as raw") from problem
    return golang.to_jinja(text) if golang.is_go(text) else text


def check(content: bytes) -> None:
    """Raise `TemplateFault` for a template that could never be rendered. Takes time, but only in proportion to its size.

    It is parsed and not compiled: compiling evaluates what is constant, whatever that costs.
    """
    environment = _environment(go=False)
    with _explained():
        _check_names(environment.parse(read(content)), environment)


def render(content: bytes, context: Context, limit: int = LONGEST_OUTPUT) -> Rendered:
    """Render. Raises `TemplateFault`, also for more than `limit` bytes of output."""
    facts = _Watched(context.facts)
    names: dict[str, Any] = {"facts": facts, "vars": context.vars, "hostname": context.hostname}
    names[ROOT] = {"Facts": facts, "Vars": context.vars, "Hostname": context.hostname}
    with _explained():
        text = read(content)
        environment = _environment(go=golang.is_go(content.decode()))
        environment.newline_sequence = "\r\n" if "\r\n" in text else "\n"
        output = _collect(environment.from_string(text).generate(names), limit)
    return Rendered(content=output, facts=tuple(sorted(facts.seen)))


@contextlib.contextmanager
def _explained() -> Generator[None]:
    """Whatever is wrong with a template, told as `TemplateFault`."""
    try:
        yield
    except TemplateFault:
        raise
    except TemplateSyntaxError as problem:
        raise TemplateFault(problem.lineno, problem.message or "it is not understood") from problem
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as problem:
        raise TemplateFault(_line_of(problem), _reason(problem)) from problem
    except RecursionError as problem:
        raise TemplateFault(0, "it is nested too deeply") from problem
    except MemoryError as problem:
        raise TemplateFault(0, "rendering needs too much memory") from problem


class _Missing(StrictUndefined):
    """Whatever is not there. Looking at it is an error that names it."""

    @property
    def _undefined_message(self) -> str:
        return f"there is no {self._undefined_name!r} in facts, vars or hostname"


class _Environment(ImmutableSandboxedEnvironment):
    """Calculations wait until rendering, where there are limits; entries come before methods of the same name."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and dict.__contains__(obj, attribute):  # pyright: ignore[reportUnknownMemberType]
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)


class _Watched(dict[str, Any]):
    """Facts that remember which of them were looked at."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()

    def keys(self) -> Any:
        self._all()
        return super().keys()

    def values(self) -> Any:
        self._all()
        return super().values()

    def items(self) -> Any:
        self._all()
        return super().items()

    def _all(self) -> None:
        self.seen.update(super().keys())


def _environment(*, go: bool) -> _Environment:
    environment = _Environment(
        undefined=_Missing, keep_trailing_newline=True, optimized=False, finalize=_go_text if go else None
    )
    environment.globals["pairs"] = _pairs  # pyright: ignore[reportArgumentType] # any function will do
    # Rendering twice gives the same, so nothing may be left to chance.
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """What `range` of Go goes over: numbered elements of a list, or the entries of a map by key."""
    if isinstance(value, dict):
        return sorted(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType]


def _go_text(value: Any) -> Any:
    """A value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, list):
        return f"[{' '.join(str(_go_text(each)) for _, each in _pairs(value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go_text(each)}' for key, each in _pairs(value))}]"
    return value


def _check_names(tree: nodes.Template, environment: _Environment) -> None:
    """Raise `TemplateFault` for filters and tests that do not exist, and for what would load other templates."""
    for filtered in tree.find_all(nodes.Filter):
        if filtered.name not in environment.filters:
            raise TemplateFault(filtered.lineno, f"there is no filter {filtered.name!r}")
    for tested in tree.find_all(nodes.Test):
        if tested.name not in environment.tests:
            raise TemplateFault(tested.lineno, f"there is no test {tested.name!r}")
    for other in tree.find_all(_ELSEWHERE):
        raise TemplateFault(other.lineno, f"`{type(other).__name__.lower()}` is not possible: a file is one template")


def _collect(pieces: Iterable[str], limit: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece.encode()
        if len(found) > limit:
            raise TemplateFault(0, f"it becomes longer than {limit} bytes")
    return bytes(found)


def _line_of(problem: BaseException) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == _NAME]
    return lines[-1] or 0 if lines else 0


def _reason(problem: BaseException) -> str:
    if isinstance(problem, SecurityError):
        return f"this is not allowed: {problem}"
    return str(problem) or type(problem).__name__
