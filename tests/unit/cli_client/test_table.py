from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.cli import table
from osapi.cli.cells import cell, clean_lines, rows, size

TEXT = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5), st.integers(40, 200))
def test_a_table_fits_the_terminal(cells: list[tuple[str, str, str]], width: int) -> None:
    for line in table.lines(("a", "b", "c"), cells, width=width):
        assert table.text_width(line) <= width


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_without_a_terminal_nothing_is_cut(cells: list[tuple[str, str]]) -> None:
    drawn = list(table.lines(("a", "b"), cells, width=None))
    for line, row in zip(drawn[1:], cells, strict=True):
        assert all(text.rstrip() in line for text in row)


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    drawn = list(table.lines(("host", "status"), [("日本", "ok"), ("web-01", "ok"), ("é", "ok")], width=80))
    places = [table.text_width(line[: max(line.find("ok"), line.find("STATUS"))]) for line in drawn]
    assert len(set(places)) == 1


def test_the_widest_column_gives_first() -> None:
    (_, row) = table.lines(("a", "b"), [("short", "x" * 50)], width=30)
    assert row == f"  short  {'x' * 20}…"


def test_a_column_that_is_whole_is_never_cut() -> None:
    (_, row) = table.lines(("a", "b", "c"), [("x" * 19, "y" * 25, "z" * 25)], width=59, whole=(0,))
    assert row == f"  {'x' * 19}  {'y' * 16}…  {'z' * 16}…"


def test_no_column_takes_more_than_its_share() -> None:
    (_, row) = table.lines(("a",), [("x" * 200,)], width=1000)
    assert table.text_width(row.strip()) == table.MOST


def test_cells_are_painted_after_they_are_cut() -> None:
    drawn = list(
        table.lines(("a", "b"), [("1", "2")], width=80, paint=lambda row, column, text: f"<{row}{column}{text}>")
    )
    assert drawn == ["  <-10A>  <-11B>", "  <001>  <012>"]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "text", ""),
        (True, "text", "yes"),
        (False, "percent", "no"),
        (3, "text", "3"),
        (0.5, "decimal", "0.50"),
        (3, "decimal", "3.00"),
        (12.345, "percent", "12.3%"),
        (1536, "bytes", "1.5 KiB"),
        ("a\n b", "bytes", "a b"),
        (["a", 1], "text", "a, 1"),
        ({"group": "web", "n": None}, "text", "group=web, n="),
        ([], "text", ""),
    ],
)
def test_values_become_cells(value: object, form: str, text: str) -> None:
    assert cell(value, form) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (2**40, "1.0 TiB"),
        (2**80, "1048576.0 EiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert size(count) == text


def test_lists_are_walked_together() -> None:
    entry = {"disks": [{"name": "/", "total": 1}, {"name": "/srv"}], "host": {"name": "a"}}
    assert list(rows(entry, ("host.name", "disks[].name", "disks[].total"))) == [["a", "/", 1], ["a", "/srv", None]]


@pytest.mark.parametrize("entry", [{}, {"disks": []}, {"disks": None}, {"disks": "x"}])
def test_without_a_list_there_is_one_row(entry: dict[str, object]) -> None:
    assert list(rows(entry, ("disks[].name", "error"))) == [[None, None]]


def test_plain_lists_are_walked_too() -> None:
    assert list(rows({"names": ["a", "b"]}, ("names[]",))) == [["a"], ["b"]]


def test_lines_keep_their_indentation_and_nothing_worse() -> None:
    assert clean_lines("a\n  b\x1b[1m\n\tc") == ["a", "  b\ufffd[1m", "    c"]
