"""From path, query and body to a request, and the words for what does not fit."""

from __future__ import annotations

import enum
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from osapi.contract.errors import Invalid
from osapi.contract.operation import Nothing
from osapi.contract.secret import Secret
from osapi.controller.decode import RequestReader, query_pairs


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct):
    size: int
    unit: Annotated[str, Meta(pattern="^[kM]$", description="Unit of the size.")] = "k"


class Request(msgspec.Struct, kw_only=True):
    name: Annotated[
        str, Meta(min_length=1, pattern="^[a-z]+$", description="Name in small letters.", examples=["web"])
    ] = "x"
    count: Annotated[int, Meta(ge=1, le=300)] = 1
    ratio: float = 0.5
    flag: bool = False
    colour: Colour | None = None
    mode: Literal["fast", "slow"] = "fast"
    when: Annotated[datetime, Meta(tz=True)] | None = None
    tags: list[str] = []
    servers: Annotated[list[Annotated[str, Meta(pattern="^[a-z]+$")]], Meta(description="Names of servers.")] = []
    numbers: list[int] | None = None
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    renamed: int = msgspec.field(name="re-named", default=0)

    def __post_init__(self) -> None:
        if self.count == 13:
            raise ValueError("count 13 is unlucky; use 12")


class Needed(msgspec.Struct):
    key: str
    value: str


READER = RequestReader(Request, ())


def query(text: str) -> Request:
    found = READER.read((), text.encode(), None)
    assert isinstance(found, Request)
    return found


def body(text: str) -> Request:
    found = READER.read((), b"", text.encode())
    assert isinstance(found, Request)
    return found


def test_text_of_the_query_becomes_what_the_field_is() -> None:
    found = query("count=7&ratio=1.5&flag=true&colour=blue&mode=slow&when=2026-01-02T03:04:05Z&re-named=4&name=ab")
    assert (found.count, found.ratio, found.flag, found.colour, found.mode) == (7, 1.5, True, Colour.BLUE, "slow")
    assert (found.when, found.renamed, found.name) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 4, "ab")


def test_a_list_takes_every_value() -> None:
    assert query("tags=a&tags=b%26c&numbers=1&numbers=2") == Request(tags=["a", "b&c"], numbers=[1, 2])


def test_text_stays_text() -> None:
    assert query("tags=1&tags=true&tags=null").tags == ["1", "true", "null"]


def test_the_body_is_not_the_query() -> None:
    assert READER.read((), b"count=7", b"") == Request()


def test_a_value_of_the_body_must_have_the_type_of_its_field() -> None:
    with pytest.raises(Invalid, match='count: "7" is not allowed; expected a whole number'):
        body('{"count": "7"}')


def test_path_values_are_converted_too() -> None:
    reader = RequestReader(Request, ("count", "name"))
    found = reader.read(("9", "web"), b"", None)
    assert isinstance(found, Request)
    assert (found.count, found.name) == (9, "web")


def test_a_path_holds_no_secret() -> None:
    class Hidden(msgspec.Struct):
        key: Annotated[Secret, Meta(extra_json_schema=Secret.schema())]

    with pytest.raises(ValueError, match="a secret in a path would be written to logs"):
        RequestReader(Hidden, ("key",))


def test_a_path_name_must_be_a_field() -> None:
    with pytest.raises(ValueError, match="'nothing'"):
        RequestReader(Request, ("nothing",))


def test_a_request_without_fields_is_the_same_for_everybody() -> None:
    reader = RequestReader(Nothing, ())
    assert reader.read((), b"a=1", None) is reader.read((), b"", b'{"a": 1}')


FAULTS = {
    "count=x": 'count: "x" is not allowed; expected a whole number',
    "count=301": 'count: "301" is not allowed; expected a whole number <= 300',
    "count=13": "count 13 is unlucky; use 12",
    "count=1&count=2": "count: given 2 times; give it once",
    "flag=perhaps": 'flag: "perhaps" is not allowed; expected true or false',
    "colour=green": 'colour: "green" is not allowed; expected one of red, blue',
    "mode=x": 'mode: "x" is not allowed; expected one of fast, slow',
    "name=": 'name: "" is not allowed; expected text of length >= 1',
    "name=A1": 'name: "A1" is not allowed; what belongs there: Name in small letters, for example "web"',
    "numbers=1&numbers=x": 'numbers[1]: "x" is not allowed; expected a whole number',
    "when=soon": 'when: "soon" is not allowed; expected a time such as 2026-01-31T12:00:00Z',
    "when=0.5": 'when: "0.5" is not allowed; expected a time such as 2026-01-31T12:00:00Z',
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_in_the_query_names_field_value_and_remedy(text: str) -> None:
    with pytest.raises(Invalid) as fault:
        query(text)
    assert fault.value.message == FAULTS[text]


BODY_FAULTS = {
    '{"count": 301}': ("count", "count: 301 is not allowed; expected a whole number <= 300"),
    '{"parts": [{"size": 1}, {"size": "x"}]}': (
        "parts[1].size",
        'parts[1].size: "x" is not allowed; expected a whole number',
    ),
    '{"parts": [{}]}': ("parts[0].size", "parts[0].size: missing; it is required"),
    '{"by_name": {"a": {"size": null}}}': (
        "by_name[...].size",
        "by_name[...].size: a value in it is not allowed; expected a whole number",
    ),
    '{"servers": ["ok", "not ok"]}': (
        "servers[1]",
        'servers[1]: "not ok" is not allowed; what belongs there: Names of servers',
    ),
    '{"parts": [{"size": 1, "unit": "G"}]}': (
        "parts[0].unit",
        'parts[0].unit: "G" is not allowed; what belongs there: Unit of the size',
    ),
    '{"tags": "a"}': ("tags", 'tags: "a" is not allowed; expected a list'),
    '{"flag": 1}': ("flag", "flag: 1 is not allowed; expected true or false"),
    '{"colour": 1}': ("colour", "colour: 1 is not allowed; expected one of red, blue"),
    '{"name": null}': ("name", "name: null is not allowed; expected text"),
    '{"count": 13}': (None, "count 13 is unlucky; use 12"),
}


@pytest.mark.parametrize("text", BODY_FAULTS)
def test_a_fault_in_the_body_names_field_value_and_remedy(text: str) -> None:
    field, message = BODY_FAULTS[text]
    with pytest.raises(Invalid) as fault:
        body(text)
    assert fault.value.message == message
    assert fault.value.details == (None if field is None else {"field": field})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(Invalid, match="value: missing; it is required"):
        RequestReader(Needed, ("key",)).read(("a",), b"", b"")


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(Invalid) as fault:
        body('{"count": "' + "x" * 5000 + '"}')
    assert len(fault.value.message) < 200


HOSTS_READER = RequestReader(Request, ("mode",), for_hosts=True)


def test_references_pass_in_path_query_and_body() -> None:
    found = HOSTS_READER.read(("@fact.custom.mode",), b"name=%40fact.hostname&tags=@fact.os&count=2", None)
    told = msgspec.to_builtins(found)
    assert (told["mode"], told["name"], told["tags"], told["count"]) == (
        "@fact.custom.mode",
        "@fact.hostname",
        ["@fact.os"],
        2,
    )
    body = b'{"name": "\\u0040fact.hostname", "colour": "@fact.custom.colour", "count": 13}'
    told = msgspec.to_builtins(HOSTS_READER.read(("fast",), b"", body))
    assert (told["name"], told["colour"]) == ("@fact.hostname", "@fact.custom.colour")


REFERENCE_FAULTS = {
    '{"name": "@fact.name"}': ("name", "name: there is no fact 'name'; did you mean"),
    '{"tags": ["a", "@fact."]}': ("tags[1]", "tags[1]: there is no fact ''"),
    '{"name": "@fact.os", "count": 301}': ("count", "count: 301 is not allowed"),
    '{"name": "A1", "tags": ["@fact.os"]}': (
        "name",
        'name: "A1" is not allowed; what belongs there: Name in small letters, for example "web"',
    ),
    '{"colour": "green", "name": "@fact.os"}': ("colour", 'colour: "green" is not allowed; expected one of red, blue'),
    '{"count": "@fact.cpu.count"}': ("count", 'count: "@fact.cpu.count" is not allowed; expected a whole number'),
}


@pytest.mark.parametrize("text", REFERENCE_FAULTS)
def test_beside_references_everything_is_checked(text: str) -> None:
    field, message = REFERENCE_FAULTS[text]
    with pytest.raises(Invalid) as fault:
        HOSTS_READER.read(("fast",), b"", text.encode())
    assert fault.value.message.startswith(message)
    assert fault.value.details is not None
    assert fault.value.details["field"] == field


class Locked(msgspec.Struct):
    key: Annotated[Secret, Meta(extra_json_schema=Secret.schema())]
    keys: list[Annotated[Secret, Meta(extra_json_schema=Secret.schema())]] = []
    name: str = ""

    def __post_init__(self) -> None:
        if self.name == "x":
            raise ValueError("x is not allowed")


def test_a_secret_is_not_looked_at_for_references() -> None:
    reader = RequestReader(Locked, (), for_hosts=True)
    found = reader.read((), b"", b'{"key": "@fact.nonsense", "keys": ["@@fact.x"]}')
    assert found == Locked(Secret("@fact.nonsense"), [Secret("@@fact.x")])
    with pytest.raises(Invalid, match="x is not allowed"):
        reader.read((), b"", b'{"key": "@fact.nonsense", "name": "x"}')
    found = reader.read((), b"", b'{"key": "@fact.nonsense", "name": "@fact.os"}')
    assert isinstance(found, Locked)
    assert (found.key, found.name) == (Secret("@fact.nonsense"), "@fact.os")


def test_requests_that_are_not_for_hosts_know_no_references() -> None:
    with pytest.raises(Invalid, match="name: "):
        body('{"name": "@fact.hostname"}')


@given(
    st.binary()
    | st.builds(
        lambda name, tags: msgspec.json.encode({"name": name, "tags": tags}),
        st.text(),
        st.lists(st.sampled_from(["@fact.os", "@fact.x", "@@fact.x", "a"])),
    )
)
def test_no_reference_breaks_the_reader(text: bytes) -> None:
    with suppress(Invalid):
        HOSTS_READER.read(("fast",), b"", text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["count", "parts", "tags", "size", "name", "when", "by_name"]), inner)
    ),
).map(msgspec.json.encode)


@given(st.binary())
def test_no_query_breaks_the_reader(text: bytes) -> None:
    with suppress(Invalid):
        READER.read((), text, None)


@given(st.binary() | JSON)
def test_no_body_breaks_the_reader(text: bytes) -> None:
    with suppress(Invalid):
        READER.read((), b"", text)


def test_a_query_has_a_bounded_number_of_parts() -> None:
    assert len(query_pairs(b"&".join([b"a=1"] * 200))) == 200
    with pytest.raises(Invalid, match="200 parts"):
        query_pairs(b"&".join([b"a=1"] * 201))
