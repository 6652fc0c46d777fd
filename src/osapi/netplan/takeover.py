"""What other files say against a definition, and how it is taken out of them and given back. Pure.

netplan lets lists grow, so an address or a name server in another file would stay beside those that are asked
for. Whoever asks is told (`Conflict`), and may have it taken out of the other file; it is noted what was
there, and put back when OSAPI's own definition goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from osapi.contract.errors import Conflict
from osapi.netplan.places import DIRECTORY, OWN, Place
from osapi.netplan.tree import Definition, Tree, edit, entries, parse

_DEFAULTS = {"0.0.0.0/0": 4, "::/0": 6}
_Said = dict[str, Any]


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """One key of another file that would change what is asked for; `left` is what may stay of its `value`."""

    path: str
    section: str
    id: str
    key: str
    value: Any
    left: Any = None

    def __str__(self) -> str:
        return f"{self.path} says {self.key}: {self.value} for {self.id}"


def clashes(tree: Tree, path: str, place: Place, wanted: Definition) -> list[Clash]:
    """All keys of other files than `path` against which `wanted` could not have its way."""
    found: list[Clash] = []
    for other, sections in tree.without(path).parsed():
        said = sections.get(place.section, {}).get(place.id, {})
        for key, (value, left) in _against(wanted, said, is_later=_name(other) > _name(path)):
            clash = Clash(path=other, section=place.section, id=place.id, key=key, value=value, left=left)
            found.append(clash)
    return found


def check_default_routes(tree: Tree, path: str, place: Place, wanted: Definition) -> None:
    """Raise `Conflict` for a default route where another interface has one with the same metric.

    netplan only warns about that, and which of them counts is then a matter of luck.
    """
    mine = {_identity(route): route for route in _routes(wanted) if _destination(route) in _DEFAULTS}
    for other, sections in tree.without(path).parsed():
        for names in sections.values():
            for known, said in names.items():
                same = [route for route in _all_routes(said) if _identity(route) in mine and known != place.id]
                if same:
                    told = f"{other} has a default route via {same[0].get('via')} for {known}"
                    raise Conflict(
                        f"{told}, with the same metric; give this one another metric, or remove that one",
                        details={"path": other, "id": known, "route": same[0]},
                    )


def refuse(found: Iterable[Clash], *, take_over: bool) -> None:
    """Raise `Conflict` unless there are none, or all may be taken over and can be."""
    for clash in found:
        if not take_over or not is_foreign(clash.path):
            remedy = "set take_over to take it out of there" if is_foreign(clash.path) else "change it there"
            raise Conflict(f"{clash}, which stays in force beside this; {remedy}", details=msgspec.to_builtins(clash))


def is_foreign(path: str) -> bool:
    """Whether an administrator wrote this file: not OSAPI, and neither a package nor a program."""
    return path.startswith(f"{DIRECTORY}/") and not path.startswith(OWN)


@dataclass(frozen=True, kw_only=True)
class Edits:
    """Other files as they will be. `told` says what becomes different; no more, for they may hold secrets."""

    files: Mapping[str, bytes]
    told: str


def taken(tree: Tree, found: Iterable[Clash]) -> Edits:
    """The other files without what clashes."""
    return _edited(tree, [(clash, clash.value, clash.left) for clash in found])


def given_back(tree: Tree, found: Iterable[Clash]) -> Edits:
    """The other files with what was taken out of them, where nobody has changed them since."""
    return _edited(tree, [(clash, clash.left, clash.value) for clash in found if _now(tree, clash) == clash.left])


def _edited(tree: Tree, changes: Sequence[tuple[Clash, Any, Any]]) -> Edits:
    files: dict[str, bytes] = {}
    for clash, _, value in changes:
        content = files.get(clash.path, tree.files[clash.path])
        files[clash.path] = edit(content, clash.section, clash.id, clash.key, value)
    told = [f"{clash.path}: {clash.key} of {clash.id}: {_said(old)} -> {_said(new)}" for clash, old, new in changes]
    return Edits(files=files, told="\n".join(told))


def _said(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()


_NO_FILE = object()


def _now(tree: Tree, clash: Clash) -> Any:
    content = tree.files.get(clash.path)
    if content is None:
        return _NO_FILE
    names = parse(clash.path, content).get(clash.section)
    return _NO_FILE if names is None else names.get(clash.id, {}).get(clash.key)


def _against(wanted: Definition, said: _Said, *, is_later: bool) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Keys of `said` that would change `wanted`, with their value and what may stay of it."""
    for key, value in said.items():
        if key in ("gateway4", "gateway6"):
            version = int(key[-1])
            if any(_DEFAULTS.get(_destination(route)) == version for route in _routes(wanted)):
                yield key, (value, None)
            continue
        if key not in wanted:
            continue
        left = _left(key, wanted[key], value, is_later=is_later)
        if left != value:
            yield key, (value, left)


def _left(key: str, wanted: Any, value: Any, *, is_later: bool) -> Any:
    """What may stay of another file's value beside the one that is wanted; None for nothing, itself for all of it."""
    if key == "routes":
        mine = {_identity(route): route for route in wanted}
        return [route for route in value if mine.get(_identity(route), route) == route] or None
    if isinstance(wanted, dict) and isinstance(value, dict):
        return _left_of_mapping(cast("_Said", wanted), cast("_Said", value), is_later=is_later)
    ours, theirs = entries(wanted), entries(value)
    if ours is not None and theirs is not None:
        return None if {_plain(entry) for entry in theirs} - {_plain(entry) for entry in ours} else theirs
    return None if is_later and value != wanted else value


def _left_of_mapping(wanted: _Said, value: _Said, *, is_later: bool) -> Any:
    found = {
        key: _left(key, wanted[key], inner, is_later=is_later) if key in wanted else inner
        for key, inner in value.items()
    }
    return {key: inner for key, inner in found.items() if inner is not None} or None


def _plain(entry: Any) -> str:
    """An entry of a list; an address may be a mapping from itself to its options."""
    return str(next(iter(cast("_Said", entry)), "") if isinstance(entry, dict) else entry).lower()


def _routes(said: Mapping[str, Any]) -> list[_Said]:
    return [cast("_Said", route) for route in entries(said.get("routes")) or [] if isinstance(route, dict)]


def _all_routes(said: Mapping[str, Any]) -> list[_Said]:
    old = [
        {"to": to, "via": said[f"gateway{version}"]}
        for to, version in _DEFAULTS.items()
        if said.get(f"gateway{version}")
    ]
    return _routes(said) + old


def _identity(route: _Said) -> tuple[str, Any, Any]:
    """What two routes may not have in common: the destination, the metric and the table."""
    return _destination(route), route.get("metric"), route.get("table")


def _destination(route: _Said) -> str:
    to = str(route.get("to", "")).lower()
    if to != "default":
        return to
    return "::/0" if ":" in str(route.get("via", "")) else "0.0.0.0/0"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
