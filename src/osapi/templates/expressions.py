"""Pipelines of Go templates as expressions of Jinja2."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field

from osapi.templates.faults import TemplateFault

ROOT = "root"
"""The variable that holds what Go calls `$`: Facts, Vars and Hostname."""

_TOKEN = re.compile(
    r"""\s+ | (?P<string>"(?:\\.|[^"\\\n])*") | (?P<raw>`[^`]*`) | (?P<number>[-+]?\d+(?:\.\d+)?(?![\w.]))
    | (?P<chain>(?<=\))(?:\.[A-Za-z_]\w*)+) | (?P<field>(?:\$\w*)?(?:\.[A-Za-z_]\w*)+ | \$\w* | \.(?![\w.]))
    | (?P<word>[A-Za-z_]\w*) | (?P<sign>[()|])""",
    re.VERBOSE,
)
_CONSTANTS = {"true": "true", "false": "false", "nil": "none"}
_COMPARISONS = {"ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass
class Scope:
    """What the dot is now, and which variables there are. Names are made so that none hides another."""

    dots: list[str] = field(default_factory=lambda: [ROOT])
    count: int = 0

    def enter(self) -> str:
        """Begin a block with a dot of its own."""
        self.count += 1
        self.dots.append(f"dot{self.count}")
        return self.dots[-1]

    def leave(self) -> None:
        """End it."""
        self.dots.pop()

    def declare(self, name: str) -> str:
        """The name in Jinja2 of a variable of Go."""
        return f"v_{name}"

    def variable(self, name: str) -> str:
        """What a field begins with: nothing for the dot, `$` or `$name`."""
        if not name:
            return self.dots[-1]
        return ROOT if name == "$" else self.declare(name[1:])


def translate(pipeline: str, scope: Scope, line: int) -> str:
    """The expression. Raises `TemplateFault`."""
    parser = _Parser(_tokens(pipeline, line), scope, line)
    result = parser.pipeline()
    if parser.kind:
        raise TemplateFault(line, f"`{parser.text}` is not expected in `{pipeline.strip()}`")
    return result


def _tokens(text: str, line: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise TemplateFault(line, f"`{text[position : position + 20]}` is not understood")
        if token.lastgroup:
            found.append((token.lastgroup, token[0]))
        position = token.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one pipeline."""

    def __init__(self, tokens: list[tuple[str, str]], scope: Scope, line: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._scope = scope
        self._line = line

    @property
    def kind(self) -> str:
        """Of the next token; empty at the end."""
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    @property
    def text(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def pipeline(self) -> str:
        result = self._command(None)
        while self.text == "|" and self.kind == "sign":
            self._at += 1
            result = self._command(result)
        return result

    def _command(self, last: str | None) -> str:
        if self.kind == "word" and self.text not in _CONSTANTS:
            name = self._take()
            return self._call(name, [*self._operands(), *([last] if last is not None else [])])
        operands = self._operands()
        if len(operands) != 1 or last is not None:
            raise self._fault("one value or one function with its arguments is expected")
        return operands[0]

    def _operands(self) -> list[str]:
        found: list[str] = []
        while self.kind and self.text not in (")", "|"):
            found.append(self._operand())
        return found

    def _operand(self) -> str:
        kind = self.kind
        text = self._take()
        match kind:
            case "string":
                return self._string(text)
            case "raw":
                return _quoted(text[1:-1])
            case "number":
                return text
            case "field":
                head, *names = text.split(".")
                return self._scope.variable(head) + "".join(f"[{_quoted(name)}]" for name in names if name)
            case "word" if text in _CONSTANTS:
                return _CONSTANTS[text]
            case "sign" if text == "(":
                return self._group()
            case _:
                raise self._fault(f"`{text}` is not expected as a value")

    def _group(self) -> str:
        inner = self.pipeline()
        if self._take() != ")":
            raise self._fault("a parenthesis is not closed")
        names = self._take().split(".")[1:] if self.kind == "chain" else []
        return f"({inner})" + "".join(f"[{_quoted(name)}]" for name in names)

    def _string(self, text: str) -> str:
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            raise self._fault(f"the string {text} is not understood") from None
        return _quoted(str(value))

    def _call(self, name: str, given: list[str]) -> str:
        match name, given:
            case (("and" | "or"), [_, *_]):
                return "(" + f" {name} ".join(given) + ")"
            case "not", [value]:
                return f"(not {value})"
            case "len", [value]:
                return f"({value} | length)"
            case "index", [value, *keys]:
                return value + "".join(f"[{key}]" for key in keys)
            case "eq", [first, _, *_]:
                return "(" + " or ".join(f"{first} == {other}" for other in given[1:]) + ")"
            case (("ne" | "lt" | "le" | "gt" | "ge"), [first, second]):
                return f"({first} {_COMPARISONS[name]} {second})"
            case "print", [value]:
                return value
            case (("and" | "or" | "not" | "len" | "index" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "print"), _):
                raise self._fault(f"`{name}` does not take {len(given)} arguments here")
            case _:
                raise self._fault(f"the function `{name}` is not supported; write the template in Jinja2 instead")

    def _take(self) -> str:
        text = self.text
        self._at += 1
        return text

    def _fault(self, reason: str) -> TemplateFault:
        return TemplateFault(self._line, reason)


def _quoted(text: str) -> str:
    """A string literal of Jinja2, which reads the escapes of JSON."""
    return json.dumps(text)
