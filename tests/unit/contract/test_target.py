import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract import target
from osapi.contract.errors import Invalid


@pytest.mark.parametrize("text", ["_any", "_all", "web-01", "web-01.example.org", "group:web.dev", "3d1219c7c4c5404a"])
def test_what_a_user_types_is_what_is_shown(text: str) -> None:
    assert str(target.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", ":", "group:", ":web", "group:a..b", "group:a b", "-x", "a/b", "a\nb", "grö:x", "x" * 300, ">"],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        target.parse(text)


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        parsed = target.parse(text)
    except Invalid:
        return
    assert str(parsed) == text
    if not isinstance(parsed, target.QueryTarget):
        assert not set(text) & set(" *>\n\t")


@pytest.mark.parametrize(
    ("wanted", "have", "matches"),
    [("web", "web", True), ("web", "web.dev", True), ("web.dev", "web", False), ("web", "webs", False)],
)
def test_a_label_means_itself_and_what_is_below(wanted: str, have: str, matches: bool) -> None:
    assert target.LabelTarget("group", wanted).matches({"group": have}) is matches


def test_a_label_of_another_key_does_not_match() -> None:
    assert not target.LabelTarget("group", "web").matches({"tier": "web"})
