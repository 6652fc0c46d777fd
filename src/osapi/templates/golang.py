"""Templates in the syntax of Go (text/template), translated into Jinja2 as far as their simple forms go.

Understood: fields (`.Facts.x`, `$.Vars.y`), `if`, `else if`, `else`, `range`, `with`, `end`, variables, comments,
`-` to trim blanks, pipelines, and the functions and, or, not, len, index, eq, ne, lt, le, gt, ge, print. Everything
else is refused with its line. The translation keeps the number of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from osapi.templates.expressions import Scope, translate
from osapi.templates.faults import TemplateFault

_ACTION = re.compile(
    r"""\{\{(?P<left>-(?=\s))?
    (?P<body>(?:\s*/\*.*?\*/\s*) | (?:"(?:\\.|[^"\\\n])*" | `[^`]*` | '(?:\\.|[^'\\\n])*' | (?!\}\}|["'`]).)*?)
    (?P<right>(?<=\s)-)?\}\}""",
    re.VERBOSE | re.DOTALL,
)
_ONLY_IN_GO = re.compile(
    r"\{\{-?\s*\(*(?:/\*|[.$]|range\s|not\s+[.$]|(?:if|with|else|end|define|template|block|break|continue)\b"
    r"|(?:and|or|len|index|eq|ne|lt|le|gt|ge|print|printf|println|html|js|urlquery|call|slice)\s+[.$\"(])"
)
_KEYWORD = re.compile(r"(if|range|with|else|end|define|template|block|break|continue)\b\s*(.*)", re.DOTALL)
_DECLARATION = re.compile(r"\$(\w+)\s*:=\s*(.*)", re.DOTALL)
_OVER = re.compile(r"(?:\$(?P<first>\w+)\s*(?:,\s*\$(?P<second>\w+)\s*)?:=\s*)?(?P<list>.*)", re.DOTALL)
_OURS = re.compile(r"\{[%#]")


def is_go(text: str) -> bool:
    """Whether a template has an action that only Go understands."""
    return _ONLY_IN_GO.search(text) is not None


def to_jinja(text: str) -> str:
    """The same template for Jinja2. Raises `TemplateFault` for what has no translation."""
    return _Translation(text).result()


@dataclass
class _Block:
    """An open block. `scoped` when the dot is another within it."""

    word: str
    line: int
    end: str
    scoped: bool = False


@dataclass
class _Translation:
    text: str
    scope: Scope = field(default_factory=Scope)
    blocks: list[_Block] = field(default_factory=list[_Block])
    parts: list[str] = field(default_factory=list[str])

    def result(self) -> str:
        position = 0
        while (start := self.text.find("{{", position)) >= 0:
            action = _ACTION.match(self.text, start)
            if action is None:
                raise TemplateFault(self._line(start), "an action that is not closed, or a string in it that is not")
            self._literal(position, start)
            self._action(action)
            position = action.end()
        self._literal(position, len(self.text))
        if self.blocks:
            block = self.blocks[-1]
            raise TemplateFault(block.line, f"`{block.word}` without its `end`")
        return "".join(self.parts)

    def _literal(self, start: int, end: int) -> None:
        """Text that stands for itself, also where Jinja2 would see a block or a comment."""
        self.parts.append(_OURS.sub(lambda found: f'{{{{ "{found[0]}" }}}}', self.text[start:end]))

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def _action(self, action: re.Match[str]) -> None:
        line, body = self._line(action.start()), action["body"].strip()
        lines = "\n" * action[0].count("\n")
        left, right = action["left"] or "", action["right"] or ""
        if body.startswith("/*"):
            self.parts.append(f"{{#{left}{lines}{right}#}}")
            return
        keyword = _KEYWORD.fullmatch(body)
        declaration = _DECLARATION.fullmatch(body)
        if keyword:
            tags = self._tags(keyword[1], keyword[2].strip(), line)
        elif declaration:
            value = translate(declaration[2], self.scope, line)
            tags = [f"set {self.scope.declare(declaration[1])} = {value}"]
        else:
            self.parts.append(f"{{{{{left} {translate(body, self.scope, line)} {lines}{right}}}}}")
            return
        tags[0] = f"{left} {tags[0]}"
        tags[-1] = f"{tags[-1]} {lines}{right}"
        self.parts += [f"{{%{tag}%}}" for tag in tags]

    def _tags(self, word: str, rest: str, line: int) -> list[str]:
        match word:
            case "if":
                self.blocks.append(_Block("if", line, "endif"))
                return [f" if {translate(rest, self.scope, line)} "]
            case "with":
                return self._with(rest, line)
            case "range":
                return self._range(rest, line)
            case "else":
                return [self._else(rest, line)]
            case "end":
                return [self._end(rest, line)]
            case _:
                raise TemplateFault(line, f"`{word}` is not supported; write the template in Jinja2 instead")

    def _with(self, rest: str, line: int) -> list[str]:
        declaration = _DECLARATION.fullmatch(rest)
        value = translate(declaration[2] if declaration else rest, self.scope, line)
        dot = self.scope.enter()
        self.blocks.append(_Block("with", line, "endif", scoped=True))
        named = [f" set {self.scope.declare(declaration[1])} = {dot} "] if declaration else []
        return [f" set {dot} = {value} ", *named, f" if {dot} "]

    def _range(self, rest: str, line: int) -> list[str]:
        over = _OVER.fullmatch(rest)
        if over is None:
            raise TemplateFault(line, "`range` without a list")
        value = translate(over["list"], self.scope, line)
        dot = self.scope.enter()
        self.blocks.append(_Block("range", line, "endfor", scoped=True))
        key = self.scope.declare(over["first"]) if over["second"] else f"{dot}_key"
        element = over["second"] or over["first"]
        named = [f" set {self.scope.declare(element)} = {dot} "] if element else []
        return [f" for {key}, {dot} in pairs({value}) ", *named]

    def _else(self, rest: str, line: int) -> str:
        if not self.blocks:
            raise TemplateFault(line, "`else` without `if`, `range` or `with`")
        block = self.blocks[-1]
        if block.scoped:
            self.scope.leave()
            block.scoped = False
        if not rest:
            return " else "
        condition = re.fullmatch(r"if\b\s*(.*)", rest, re.DOTALL)
        if condition is None or block.word != "if":
            raise TemplateFault(line, f"`else {rest}` is not supported here; write the template in Jinja2 instead")
        return f" elif {translate(condition[1], self.scope, line)} "

    def _end(self, rest: str, line: int) -> str:
        if rest or not self.blocks:
            raise TemplateFault(line, "`end` without `if`, `range` or `with`")
        block = self.blocks.pop()
        if block.scoped:
            self.scope.leave()
        return f" {block.end} "
