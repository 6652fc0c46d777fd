"""The text of the namespaces: a class for each group of commands, a method for each operation."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import FieldInfo

from osapi.contract.operation import Kind
from osapi.sdk.generate.places import Place
from osapi.sdk.generate.spelling import Imports, Ungeneratable, argument, describe, parameter, spell

ROOT_WORD = "node"
"""The first word of every command that becomes a method of `client.node(target)`."""

_OPTIONS = frozenset({"target", "wait_s", "dry_run", "idempotency_key", "self"})
_WIDTH = 112


@dataclass(frozen=True)
class Flavour:
    """What differs between the two files."""

    file: str
    prefix: str
    base: str
    run: str
    define: str
    invoke: str


SYNC = Flavour("namespaces.py", "", "Namespace", "Run", "def", "self._run")
ASYNC = Flavour("aio_namespaces.py", "Async", "AsyncNamespace", "AsyncRun", "async def", "await self._run")


@dataclass
class Group:
    """A class of the tree: its operations by method name, and the groups below."""

    path: tuple[str, ...] = ()
    methods: dict[str, Place] = field(default_factory=dict[str, Place])
    groups: dict[str, Group] = field(default_factory=dict[str, "Group"])

    def walk(self) -> Iterable[Group]:
        """This group after all below it, so that a class stands before its use."""
        for name in sorted(self.groups):
            yield from self.groups[name].walk()
        yield self

    @property
    def class_name(self) -> str:
        return "".join(part.capitalize() for word in (ROOT_WORD, *self.path) for part in word.split("_"))


def tree(places: Iterable[Place]) -> Group:
    """Arrange operations by the words of their commands. Raises `Ungeneratable`."""
    root = Group()
    for place in places:
        first, *words = [_identifier(word) for word in place.operation.command]
        if first != ROOT_WORD or not words:
            raise Ungeneratable(f"{place.operation.name}: its command is not {ROOT_WORD!r} and further words")
        group = root
        for word in words[:-1]:
            group = group.groups.setdefault(word, Group((*group.path, word)))
        group.methods[words[-1]] = place
    return root


def text(flavour: Flavour, places: Iterable[Place]) -> str:
    """The text of one file. Raises `Ungeneratable`."""
    imports = Imports()
    classes = [_class(group, flavour, imports) for group in tree(places).walk()]
    own = [
        *imports.own(),
        f"from osapi.sdk.namespace import {', '.join(sorted((flavour.base, flavour.run)))}",
        "from osapi.sdk.results import Results",
    ]
    foreign = imports.foreign()
    lines = [
        '"""Every operation as a method of `client.node(target)`. Written by `osapi.sdk.generate`; do not edit."""',
        "",
        "from __future__ import annotations",
        *(["", *foreign] if foreign else []),
        "",
        *own,
        *(line for block in classes for line in ("", "", *block)),
    ]
    return "\n".join([*lines, ""])


def _class(group: Group, flavour: Flavour, imports: Imports) -> list[str]:
    title = " ".join(word.replace("_", "-") for word in group.path)
    lines = [
        f"class {flavour.prefix}{group.class_name}({flavour.base}):",
        f'    """{f"The `{title}` operations" if title else "Every operation"} on the hosts that a target means."""',
    ]
    if group.groups:
        lines += ["", f"    def __init__(self, run: {flavour.run}, target: str) -> None:"]
        lines += ["        super().__init__(run, target)"]
        for name, below in sorted(group.groups.items()):
            lines.append(f"        self.{name} = {flavour.prefix}{below.class_name}(run, target)")
    for name, place in sorted(group.methods.items()):
        lines += ["", *_method(name, place, flavour, imports)]
    return lines


def _method(name: str, place: Place, flavour: Flavour, imports: Imports) -> list[str]:
    operation = place.operation
    fields = sorted(msgspec.structs.fields(operation.request), key=lambda one: not one.required)
    _check_names(operation.name, fields)
    modifies = operation.kind is Kind.MODIFY
    extra = ["dry_run: bool = False", "idempotency_key: str | None = None"] if modifies else []
    parameters = [*(f"{one.name}: {parameter(one, imports)}" for one in fields), "wait_s: float | None = None", *extra]
    model = imports.name(operation.request.__module__, operation.request.__qualname__)
    return [
        f"    {flavour.define} {name}(",
        "        self,",
        "        *,",
        *(f"        {line}," for line in parameters),
        f"    ) -> Results[{spell(operation.result, imports)}]:",
        *_docstring(operation.summary, fields),
        f"        return {flavour.invoke}(",
        f"            {imports.name(place.module, place.name)},",
        *_request(model, fields, imports),
        "            target=self._target,",
        "            wait_s=wait_s,",
        *(["            dry_run=dry_run,", "            idempotency_key=idempotency_key,"] if modifies else []),
        "        )",
    ]


def _check_names(operation: str, fields: Iterable[FieldInfo]) -> None:
    for one in fields:
        if one.name in _OPTIONS or keyword.iskeyword(one.name):
            raise Ungeneratable(f"{operation}: the name of the field {one.name!r} is taken; give it another")


def _request(model: str, fields: Sequence[FieldInfo], imports: Imports) -> list[str]:
    if not fields:
        return [f"            {model}(),"]
    values = [f"                {one.name}={argument(one, imports)}," for one in fields]
    return [f"            {model}(", *values, "            ),"]


def _docstring(summary: str, fields: Iterable[FieldInfo]) -> list[str]:
    told = [f"{one.name}: {described}" for one in fields if (described := describe(one.type))]
    if not told:
        return [f'        """{summary}"""']
    lines = [f'        """{summary}', ""]
    for line in told:
        wrapped = textwrap.wrap(line, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        lines += [f"        {part}" for part in wrapped]
    return [line.replace("\\", "\\\\") for line in [*lines, '        """']]


def _identifier(word: str) -> str:
    name = word.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name
