"""The quick reading of a line and click's are one: whatever the quick one takes, click reads the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osapi.cli import main, option, quick, tree
from osapi.cli.tree import Leaf

LEAVES = ["node hostname get", "node sysctl create", "node command exec", "job list", "job dead-letter purge"]


def _known(words: str) -> Leaf:
    leaf = tree.find(words)
    assert leaf is not None
    return leaf


def _words(words: str) -> st.SearchStrategy[list[str]]:
    """A line around one command: its words in order, options anywhere, now and then a mistake."""
    leaf = _known(words)
    names = [name for one in leaf.options for name in one.names]
    value = st.sampled_from(["a", "10", "x,y", '"a,b"', "", "-1", "--key", "table", "completed", "_all", "1.5"])
    piece = st.one_of(
        st.tuples(st.sampled_from(names), value).map(list),
        st.sampled_from(names).map(lambda name: [name]),
        st.tuples(st.sampled_from(names), value).map(lambda pair: [f"{pair[0]}={pair[1]}"]),
        st.sampled_from([["--nope"], ["stray"], ["--"], ["-h"], ["-jd"], ["-Tweb"]]),
    )
    gap = st.one_of(st.just([]), st.just([]), piece.map(list))
    parts = ["client", *words.split()]
    gaps = st.tuples(*[gap for _ in parts], gap, gap, gap)
    return gaps.map(
        lambda gaps: [
            *gaps[-1],
            *(word for part, gap in zip(parts, gaps, strict=False) for word in (part, *gap)),
            *gaps[-2],
            *gaps[-3],
        ]
    )


LINES = st.sampled_from(LEAVES).flatmap(_words)


def _by_click(line: list[str]) -> tuple[str, Mapping[str, Any]] | None:
    """What click hands to the command; None when it refuses the line."""
    told: list[tuple[str, Mapping[str, Any]]] = []

    def find(words: str) -> Leaf | None:
        leaf = real(words)
        return leaf and leaf._replace(run=lambda given, _environ: told.append((words, dict(given))) or 0)

    real = tree.find
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "find", find)
        main.main(line)
    return told[0] if told else None


def _values(leaf: Leaf, given: Mapping[str, Any]) -> dict[str, Any] | str:
    try:
        return option.values(leaf.options, given)
    except option.BadUsage as problem:
        return str(problem)


@settings(max_examples=400, deadline=None)
@given(LINES)
def test_what_the_quick_reading_takes_click_reads_the_same(line: list[str]) -> None:
    found = quick.parse(line)
    if found is not None:
        leaf, given = found
        clicked = _by_click(line)
        assert clicked is not None, "the quick reading takes a line that click refuses"
        assert clicked[0] == leaf.words
        assert _values(leaf, clicked[1]) == _values(leaf, given)


@pytest.mark.parametrize(
    "line",
    [
        "client node hostname get",
        "-j client node hostname get -T web-01",
        "client --url http://a:1 node -T web-01 sysctl create --key a.b --value=10 --replace -y",
        "client node command exec --command ls --args -l --args /srv --stdout",
        "client job list --status failed --limit 5 --json",
        "client job dead-letter purge --all -f osapi.yaml",
    ],
)
def test_plain_lines_are_taken_quickly(line: str) -> None:
    assert quick.parse(line.split()) is not None


@pytest.mark.parametrize(
    "line",
    ["client", "client node", "client node sysctl", "client node --help", "client node hostname get -h", "version", ""],
)
def test_everything_else_is_left_to_click(line: str) -> None:
    assert quick.parse(line.split()) is None


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_switch_may_be_given_a_value_as_scripts_do(value: str) -> None:
    clicked = _by_click(["client", "node", "sysctl", "create", "--key=a", "--value=b", f"--replace={value}"])
    assert clicked is not None
    assert bool(clicked[1].get("replace", clicked[1].get("field_2", False))) is (value == "true")
