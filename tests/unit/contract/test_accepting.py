"""The lenient twin of a model lets references pass, and nothing else."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct, ValidationError

from osapi.contract.accepting import accepting, stored
from osapi.contract.operation import Nothing, Timed
from osapi.domains import discovery

Name = Annotated[str, Meta(min_length=2, max_length=5, pattern=r"^[a-z]+$(?!\n)")]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.Enum):
    LOW = 1


class Part(Struct, tag="part", tag_field="kind"):
    name: Name


class Request(Timed, kw_only=True, omit_defaults=True):
    name: Name = "ab"
    short: Annotated[str, Meta(max_length=3)] = ""
    free: str = ""
    colour: Colour = Colour.RED
    mode: Literal["fast", "slow"] | None = None
    level: Level | None = None
    names: Annotated[list[Name], Meta(max_length=2)] = msgspec.field(default_factory=list)
    by_name: dict[Name, Name] = msgspec.field(default_factory=dict)
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    secret: Annotated[str, Meta(max_length=8, extra={"references": "never"})] = ""
    other: Annotated[int, Meta(ge=1)] = msgspec.field(name="re-named", default=1)

    def __post_init__(self) -> None:
        if self.name == "no":
            raise ValueError("never no")


def read(**values: Any) -> Any:
    return msgspec.convert(values, accepting(Request))


REFERENCE = "x @fact.hostname\n"
PART = {"kind": "part"}


@pytest.mark.parametrize(
    "values",
    [
        {"name": REFERENCE},
        {"short": REFERENCE},
        {"colour": "@fact.custom.colour"},
        {"mode": "@fact.custom.mode"},
        {"names": [REFERENCE, "ab"]},
        {"by_name": {"ab": REFERENCE}},
        {"part": {**PART, "name": REFERENCE}},
        {"parts": [{**PART, "name": REFERENCE}, {**PART, "name": "ab"}]},
        {"name": "@@fact.x"},
    ],
)
def test_a_reference_may_stand_for_any_text(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        msgspec.convert(values, Request)
    assert isinstance(read(**values), Request)
    assert msgspec.json.decode(msgspec.json.encode(read(**values))) == values


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a"},
        {"name": "abcdef"},
        {"name": "AB"},
        {"name": "ab\n"},
        {"short": "abcd"},
        {"colour": "green"},
        {"mode": "fast\n"},
        {"mode": "faster"},
        {"level": "@fact.cpu.count"},
        {"level": 2},
        {"names": ["ab", "cd", REFERENCE]},
        {"names": ["AB"]},
        {"by_name": {REFERENCE: "ab"}},
        {"by_name": {"ab": "AB"}},
        {"part": {**PART, "name": "AB"}},
        {"part": {"kind": "@fact.os", "name": "ab"}},
        {"parts": [{**PART, "name": "AB"}]},
        {"secret": "a@fact.hostname"},
        {"re-named": 0},
        {"re-named": "@fact.cpu.count"},
        {"timeout": "@fact.cpu.count"},
    ],
)
def test_everything_else_keeps_to_the_rules(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(name=REFERENCE, **values) if "name" not in values else read(**values)


def test_rules_between_fields_wait_for_the_values() -> None:
    assert read(name="no", free=REFERENCE).name == "no"
    with pytest.raises(ValidationError, match="never no"):
        msgspec.convert({"name": "no"}, Request)


def test_what_is_not_said_is_as_in_the_model() -> None:
    assert msgspec.structs.asdict(read()) == msgspec.structs.asdict(Request())
    assert (read().colour, read().timeout) == (Colour.RED, 30)


def test_a_stored_request_is_read_by_the_twin_only_if_it_needs_it() -> None:
    assert type(stored(b'{"name":"abc"}', Request, {})) is Request
    found = stored(b'{"name":"@fact.os"}', Request, {})
    assert type(found) is accepting(Request)
    assert msgspec.json.encode(found) == b'{"name":"@fact.os"}'


@pytest.mark.parametrize("operation", discovery.operations(), ids=lambda operation: operation.name)
def test_every_request_has_a_twin(operation: Any) -> None:
    twin = accepting(operation.request)
    assert [(one.encode_name, one.default, one.default_factory) for one in msgspec.structs.fields(twin)] == [
        (one.encode_name, one.default, one.default_factory) for one in msgspec.structs.fields(operation.request)
    ]
    msgspec.json.schema(twin)


def test_a_request_without_texts_is_its_own_twin() -> None:
    assert accepting(Nothing) is Nothing
    assert accepting(Timed) is Timed
