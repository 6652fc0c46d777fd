"""How a definition comes into force, and goes again: tried in a folder of its own, then on trial. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from osapi.contract.errors import NotManaged
from osapi.host.netplan import attributes, places, takeover
from osapi.host.netplan.attributes import Argv
from osapi.host.netplan.seen import Seen
from osapi.host.netplan.takeover import Clash
from osapi.host.netplan.tree import Definition, Sections, compose
from osapi.host.plan import Action, Forget, Plan, Remember, Remove, Run, Try, Write, file_diff, sha256

MODE = 0o600
"""Files of netplan may hold secrets; it warns about any other mode."""
GENERATE_S = 30.0
APPLY_S = 40.0
"""Less than the time after which the change is undone."""

Changes = Mapping[str, bytes | None]
"""Files by path; None for one that goes."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for of one interface."""

    definition: Definition
    config: str
    """The same as it is noted, to be compared with what is asked for later."""
    makes: str = ""
    """The section for a virtual interface that netplan is to make; empty for one that is there without it."""
    beside: Sections = field(default_factory=dict[str, dict[str, Definition]])
    """Definitions of other interfaces that this one needs."""
    take_over: bool = False


def put(seen: Seen, wanted: Wanted) -> Plan:
    """Whatever is needed for the definition to be in force; nothing when it is.

    Raises `Conflict` when other files would change its meaning, unless they may be changed.
    """
    place = places.Place(section=wanted.makes, id=seen.name) if wanted.makes else seen.place
    clashes = takeover.clashes(seen.tree, seen.path, place, wanted.definition)
    takeover.refuse(clashes, take_over=wanted.take_over)
    takeover.check_default_routes(seen.tree, seen.path, place, wanted.definition)
    content = compose({**wanted.beside, place.section: {place.id: wanted.definition}})
    changes = {**takeover.taken(seen.tree, clashes), seen.path: content}
    note = _note(seen, content, wanted, [*seen.taken, *clashes])
    if seen.is_managed and seen.metadata == note.metadata and not _diff(seen, changes):
        return Plan()
    repair = attributes.to_undo_definition(seen, wanted.definition, makes_it=bool(wanted.makes))
    return _plan(seen, changes, note, repair, ())


def drop(seen: Seen) -> Plan:
    """Remove our file and give back what was taken out of others; nothing when there is neither file nor note.

    Raises `NotManaged` when only a file is there that OSAPI did not write.
    """
    if seen.record is None:
        if seen.content is not None:
            raise NotManaged(f"{seen.path} exists and is not managed by osapi; it is left alone")
        return Plan()
    forget, changes = Forget(path=seen.path), takeover.given_back(seen.tree, seen.taken)
    if seen.content is None and not changes:
        return Plan((forget,), f"{seen.path} is not managed by osapi any more")
    repair, then = attributes.to_undo_removal(seen), attributes.to_complete_removal(seen)
    return _plan(seen, {**changes, seen.path: None}, forget, repair, then)


def _plan(seen: Seen, changes: Changes, note: Remember | Forget, repair: Iterable[Argv], then: Iterable[Argv]) -> Plan:
    """Try the files where they do not count; then, on trial, put them in place and apply them."""
    tried = {f"{seen.scratch}{places.DIRECTORY}/{_name(path)}": content for path, content in _after(seen, changes)}
    actions: list[Action] = [Remove(path=path) for path in seen.leftovers if path not in tried]
    actions += [_write(path, content) for path, content in tried.items()]
    actions.append(_run(("netplan", "generate", "--root-dir", seen.scratch), GENERATE_S, "invalid_config"))
    if isinstance(note, Remember) and not seen.is_managed:
        actions.append(Remember(path=note.path, sha256=note.sha256, metadata=note.metadata, settled=False))
    applied = _run(("netplan", "apply"), APPLY_S, "apply_failed")
    completing = [Run(argv=argv, privileged=True, accept=None) for argv in then]
    files = [_write(path, content) for path, content in changes.items()]
    actions.append(Try(actions=(*files, applied, *completing), repair=tuple(repair)))
    actions += [Remove(path=path) for path in tried]
    return Plan((*actions, note), _diff(seen, changes) or f"{seen.path} is managed by osapi from now on")


def _after(seen: Seen, changes: Changes) -> Iterable[tuple[str, bytes]]:
    return seen.tree.after(changes).files.items()


def _write(path: str, content: bytes | None) -> Write | Remove:
    return Remove(path=path) if content is None else Write(path=path, content=content, mode=MODE, make_parents=True)


def _run(argv: Argv, deadline_s: float, failure: str) -> Run:
    return Run(argv=argv, privileged=True, deadline_s=deadline_s, failure=failure)


def _note(seen: Seen, content: bytes, wanted: Wanted, taken: list[Clash]) -> Remember:
    metadata = {"interface": seen.name, "config": wanted.config}
    metadata |= attributes.to_note(seen, wanted.definition, makes_it=bool(wanted.makes))
    if taken:
        metadata["taken"] = msgspec.json.encode(taken).decode()
    return Remember(path=seen.path, sha256=sha256(content), metadata=metadata)


def _diff(seen: Seen, changes: Changes) -> str:
    parts = [file_diff(path, seen.tree.files.get(path), content) for path, content in changes.items()]
    if seen.file is not None and seen.file.mode != MODE and changes.get(seen.path) is not None:
        parts.append(f"{seen.path}: mode {seen.file.mode:04o} -> {MODE:04o}")
    return "\n".join(filter(None, parts))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
