"""Secrets, and requests that hold them: what is shown, what is sent, what is stored."""

from __future__ import annotations

import pickle
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from osapi.contract import masking
from osapi.contract.secret import MASK, Secret

TEXT = 'hunter2-é-"\\'


class Pin(Secret):
    longest = 6
    pattern = r"^[0-9]+$(?!\n)"
    form = "digits"


Text = Annotated[Secret, Meta(extra_json_schema=Secret.schema())]


class Part(msgspec.Struct):
    token: Text
    size: int = 0


class Request(msgspec.Struct, kw_only=True):
    name: str
    password: Text | None = None
    many: list[Text] = []
    named: dict[str, Text] = {}
    parts: list[Part] = []
    renamed: Text | None = msgspec.field(name="re-named", default=None)


class Plain(msgspec.Struct):
    name: str
    tags: list[str] = []


def read(**fields: Any) -> Request:
    return msgspec.convert({"name": "x", **fields}, Request, dec_hook=masking.read)


WHOLE = read(
    password=TEXT,
    many=["one", "two"],
    named={"a/b~c": "three"},
    parts=[{"token": "four", "size": 4}],
    **{"re-named": "five"},
)


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "%s".__mod__, lambda it: repr([it])])
def test_a_secret_is_not_shown(shown: Any) -> None:
    assert TEXT not in shown(Secret(TEXT))
    assert MASK in shown(Secret(TEXT))


def test_a_model_does_not_show_its_secrets() -> None:
    assert (
        repr(read(password=TEXT)) == f"Request(name='x', password={MASK}, many=[], named={{}}, parts=[], renamed=None)"
    )


def test_nobody_encodes_a_secret_by_accident() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(WHOLE)
    with pytest.raises(TypeError):
        msgspec.to_builtins(WHOLE)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(TEXT))


def test_a_secret_is_what_it_holds() -> None:
    assert Secret(TEXT).reveal() == TEXT
    assert (Secret("a") == Pin("a"), Secret("a") == Secret("b"), Secret("a") == "a") == (True, False, False)
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize("value", ["", "1234567", "12a", "12\n", 12, None, ["1"], MASK])
def test_a_value_that_does_not_fit_is_refused_and_not_told(value: object) -> None:
    with pytest.raises(ValueError, match=r"not shown|give the secret itself") as caught:
        Pin.checked(value)
    assert "12" not in str(caught.value).replace("1 to 6", "")


@pytest.mark.parametrize(
    "fields", [{"password": ["hunter2"]}, {"password": "a\0hunter2"}, {"many": ["ok", 5]}, {"parts": [{"token": {}}]}]
)
def test_a_request_that_does_not_fit_does_not_tell_what_was_sent(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"not shown.* - at `\$\.") as caught:
        read(**fields)
    assert "hunter2" not in str(caught.value)


def test_who_may_hold_secrets_is_known_by_its_type() -> None:
    assert masking.holds(Request)
    assert not masking.holds(Plain)
    assert [masking.holds(kind) for kind in (Text | None, list[Text], dict[str, list[Part]], list[str], str, Any)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_secrets_are_found_by_their_place() -> None:
    found = {place: secret.reveal() for place, secret in masking.found_in(WHOLE).items()}
    assert found == {
        "password": TEXT, "many/0": "one", "many/1": "two", "named/a~1b~0c": "three", "parts/0/token": "four",
        "re-named": "five",
    }  # fmt: skip
    assert masking.found_in(Plain("a", ["b"])) == {}
    assert masking.found_in(read()) == {}


def test_a_stored_request_has_masks_and_is_put_together_again() -> None:
    stored = masking.masked(WHOLE)
    assert stored.count(f'"{MASK}"'.encode()) == 6
    assert not [text for text in (TEXT, "one", "three", "four", "five") if text.encode() in stored]
    values = {place: secret.reveal() for place, secret in masking.found_in(WHOLE).items()}
    assert masking.filled(stored, values, Request) == WHOLE


def test_a_mask_is_never_taken_for_the_secret() -> None:
    with pytest.raises(msgspec.ValidationError, match="give the secret itself"):
        masking.filled(masking.masked(WHOLE), {"password": TEXT}, Request)


@pytest.mark.parametrize("place", ["name", "nothing", "many/7", "many/x", "parts/0/size", "password/0", "", "named"])
def test_a_secret_goes_only_where_a_mask_is(place: str) -> None:
    with pytest.raises(KeyError):
        masking.filled(masking.masked(WHOLE), {place: "x"}, Request)


@given(st.dictionaries(st.text(), st.text(min_size=1).filter(lambda text: "\0" not in text and text != MASK)))
def test_any_names_and_texts_come_back_as_they_were(named: dict[str, str]) -> None:
    request = Request(name="x", named={name: Secret(text) for name, text in named.items()})
    values = {place: secret.reveal() for place, secret in masking.found_in(request).items()}
    assert masking.filled(masking.masked(request), values, Request) == request


def test_the_controller_is_sent_the_secrets_themselves() -> None:
    sent = msgspec.to_builtins(WHOLE, enc_hook=masking.reveal)
    assert msgspec.convert(sent, Request, dec_hook=masking.read) == WHOLE


def test_other_types_are_no_secrets() -> None:
    for work in (lambda: masking.read(complex, "1"), lambda: masking.reveal(1j), lambda: masking.masked([1j])):
        with pytest.raises((NotImplementedError, TypeError)):
            work()
