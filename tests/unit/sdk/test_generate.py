from __future__ import annotations

import ast
from typing import Annotated, Any, Literal

import msgspec
import pytest

from osapi.contract.operation import Kind, Operation
from osapi.contract.secret import Secret
from osapi.sdk.generate import source
from osapi.sdk.generate.__main__ import files
from osapi.sdk.generate.places import Place, places
from osapi.sdk.generate.spelling import Imports, Ungeneratable, describe, spell


def test_the_namespaces_are_current() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path} is not current; run ./dev gen"


def test_every_operation_is_a_method() -> None:
    methods = sum(len(group.methods) for group in source.tree(places()).walk())
    assert methods == len(places())


def _operation(model: type[msgspec.Struct], command: tuple[str, ...] = ("node", "thing", "make")) -> Place:
    operation: Operation[Any, Any] = Operation(
        name="node.thing.make",
        operation_id="x",
        kind=Kind.MODIFY,
        request=model,
        result=model,
        permission="x",
        route=("POST", "/thing"),
        command=command,
        summary="Make a thing.",
    )
    return Place("osapi.domains.thing.operations", "MAKE", operation)


class Unspeakable(msgspec.Struct, kw_only=True):
    left_out: str | msgspec.UnsetType = msgspec.UNSET


class Clashing(msgspec.Struct):
    target: str


class Most(msgspec.Struct, kw_only=True):
    names: list[str] = []
    maybe: int | None = None
    mode: Literal["a", "b"] = "a"
    vars: dict[str, str] = {}
    must: str


def test_required_fields_come_first_and_lists_may_be_tuples() -> None:
    text = source.text(source.SYNC, [_operation(Most)])
    ast.parse(text)
    parameters = [line.strip() for line in text.splitlines() if line.startswith("        ") and ": " in line]
    assert parameters[:5] == [
        "must: str,",
        "names: builtins.list[str] | tuple[str, ...] = (),",
        "maybe: int | None = None,",
        'mode: typing.Literal["a", "b"] = "a",',
        "vars: dict[str, str] | None = None,",
    ]


class Hidden(msgspec.Struct, kw_only=True):
    key: Annotated[Secret, msgspec.Meta(extra_json_schema=Secret.schema())]
    maybe: Secret | None = None
    many: list[Secret] = []


def test_a_secret_is_given_as_text_and_is_none_any_more_then() -> None:
    text = source.text(source.SYNC, [_operation(Hidden)])
    for line in (
        "key: str,", "maybe: str | None = None,", "many: builtins.list[str] | tuple[str, ...] = (),",
        "key=contract_secret.Secret(key),", "maybe=None if maybe is None else contract_secret.Secret(maybe),",
        "many=[contract_secret.Secret(text) for text in many],",
    ):  # fmt: skip
        assert f" {line}\n" in text


def test_a_default_that_cannot_be_written_down_is_refused() -> None:
    with pytest.raises(Ungeneratable, match="left_out"):
        source.text(source.SYNC, [_operation(Unspeakable)])


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(Ungeneratable, match="'target' is taken"):
        source.text(source.SYNC, [_operation(Clashing)])


def test_a_command_elsewhere_is_refused() -> None:
    with pytest.raises(Ungeneratable, match="node"):
        source.tree([_operation(Most, ("fleet", "list"))])


def test_words_that_python_keeps_get_an_underscore() -> None:
    group = source.tree([_operation(Most, ("node", "ssh-key", "import"))])
    assert list(group.groups) == ["ssh_key"]
    assert list(group.groups["ssh_key"].methods) == ["import_"]


def test_types_are_written_as_they_were_declared() -> None:
    imports = Imports()
    assert spell(list[Annotated[str, msgspec.Meta(min_length=1)] | None], imports) == "builtins.list[str | None]"
    assert spell(Place, imports) == "generate_places.Place"
    assert imports.foreign() == ["import builtins"]
    assert imports.own() == ["from osapi.sdk.generate import places as generate_places"]


def test_descriptions_add_up() -> None:
    inner = Annotated[str, msgspec.Meta(description="A key.")]
    assert describe(Annotated[inner, msgspec.Meta(description="Required.")]) == "A key. Required."
    assert describe(str) == ""
