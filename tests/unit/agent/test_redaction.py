"""What programs repeat of their secrets is masked, wherever it stands."""

from __future__ import annotations

import msgspec
import pytest

from osapi.agent.redaction import Redactor
from osapi.contract.secret import MASK


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hunter2", "bad password hunter2!", f"bad password {MASK}!"),
        ("hunter2", "hunter2hunter2", f"{MASK}{MASK}"),
        ("TOKEN=abcd1234", "token is abcd1234", f"token is {MASK}"),
        ("TOKEN=abcd1234", "TOKEN=abcd1234", MASK),
        ("first line\nsecond=line2\n", "got: first line, line2", f"got: {MASK}, {MASK}"),
        ("  padded  ", "[padded]", f"[{MASK}]"),
        ("abc", "abc", "abc"),
        ("geheim", "nothing", "nothing"),
    ],
)
def test_a_secret_is_masked(secret: str, text: str, shown: str) -> None:
    assert Redactor([secret]).text(text) == shown


def test_the_longest_is_found_first() -> None:
    assert Redactor(["pass", "password"]).text("password pass") == f"{MASK} {MASK}"


def test_texts_of_a_result_are_masked_at_any_depth_and_nothing_else_changes() -> None:
    result = {"hunter2": ["a hunter2", {"b": "hunter2"}], "n": 42, "f": 1.5, "t": True, "z": None, "e": '"hunter2\\'}
    shown = msgspec.json.decode(Redactor(["hunter2"]).json(msgspec.Raw(msgspec.json.encode(result))))
    assert shown == {
        "hunter2": [f"a {MASK}", {"b": MASK}], "n": 42, "f": 1.5, "t": True, "z": None, "e": f'"{MASK}\\',
    }  # fmt: skip


def test_without_secrets_worth_finding_a_result_is_left_as_it_is() -> None:
    data = msgspec.Raw(b'{ "a" : 1 }')
    assert Redactor(["", "abc"]).json(data) is data
