"""From a value of JSON to the text of one table cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def cell(value: Any, form: str = "text") -> str:
    """The text for `value`; `form` is a value of `contract.operation.Format`. None is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, form)
    if form == "moment":
        return moment(value)
    if isinstance(value, list):
        return ", ".join(cell(one, form) for one in cast("list[object]", value))
    if isinstance(value, dict):
        return ", ".join(f"{clean(key)}={cell(one)}" for key, one in cast("dict[str, Any]", value).items())
    return clean(str(value))


def moment(value: object, *, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time of the API in the local zone; what is none is shown as it is."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(str(value)).astimezone().strftime(form)
    except ValueError:
        return cell(value)


def clean(text: str) -> str:
    """One line without anything that could move the cursor: what a host says is not to be trusted."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))


def clean_lines(text: str) -> list[str]:
    """The lines of a text, each made harmless, their indentation kept."""
    lines = text.expandtabs(4).splitlines()
    return ["".join(char if char.isprintable() else "\ufffd" for char in line) for line in lines]


def size(count: float) -> str:
    """Bytes for people, in powers of 1024: `3.9 GiB`."""
    value = float(count)
    for unit in _UNITS:
        if abs(value) < 1024 or unit == _UNITS[-1]:
            return f"{int(value)} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def rows(entry: Mapping[str, Any], paths: tuple[str, ...]) -> Iterator[list[Any]]:
    """The values at `paths`, one row for each entry of the lists that `[]` walks; one row if there are none."""
    walked = {path.partition("[]")[0]: _at(entry, path.partition("[]")[0]) for path in paths if "[]" in path}
    lists = {root: cast("list[object]", value) for root, value in walked.items() if isinstance(value, list)}
    count = max((len(value) for value in lists.values()), default=1) or 1
    for index in range(count):
        yield [_value(entry, path, lists, index) for path in paths]


def _value(entry: Mapping[str, Any], path: str, lists: Mapping[str, list[object]], index: int) -> Any:
    root, walks, rest = path.partition("[]")
    if not walks:
        return _at(entry, path)
    found = lists.get(root, [])
    if index >= len(found):
        return None
    return _at(found[index], rest.removeprefix(".")) if rest else found[index]


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value


def _number(value: float, form: str) -> str:
    if form == "bytes":
        return size(value)
    if form == "percent":
        return f"{value:.1f}%"
    if form == "decimal":
        return f"{value:.2f}"
    return str(value)
