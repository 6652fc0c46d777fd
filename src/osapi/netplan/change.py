"""How a definition comes into force, and goes again: tried in a folder of its own, then on trial. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from osapi.deploy import decisions as files
from osapi.deploy import wanted as deploy
from osapi.deploy.decisions import Around
from osapi.host.plan import Action, Plan, Remove, Run, Try, Write
from osapi.netplan import attributes, places, takeover
from osapi.netplan.attributes import Argv
from osapi.netplan.seen import Seen
from osapi.netplan.takeover import Clash, Edits
from osapi.netplan.tree import Definition, Sections, compose

MODE = 0o600
"""Files of netplan may hold secrets; it warns about any other mode."""
GENERATE_S = 30.0
APPLY_S = 40.0
"""Less than the time after which the change is undone."""


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


def put(seen: Seen, wanted: Wanted, *, adopt: bool = False) -> Plan:
    """Whatever is needed for the definition to be in force; nothing when it is.

    Raises `Conflict` when other files would change its meaning, unless they may be changed, and as `deploy` does.
    """
    place = places.Place(section=wanted.makes, id=seen.name) if wanted.makes else seen.place
    clashes = takeover.clashes(seen.tree, seen.path, place, wanted.definition)
    takeover.refuse(clashes, take_over=wanted.take_over)
    takeover.check_default_routes(seen.tree, seen.path, place, wanted.definition)
    edits, file = takeover.taken(seen.tree, clashes), _file(seen, wanted, place, clashes)
    if not edits.files and files.is_settled(seen.file) and not seen.file.deviations(file.content.sha256, MODE):
        return files.deploy(file, seen.file)
    repair = attributes.to_undo_definition(seen, wanted.definition, makes_it=bool(wanted.makes))
    return files.deploy(
        file,
        seen.file,
        adopt=adopt,
        first=_tried(seen, {**edits.files, seen.path: compose(_sections(wanted, place))}),
        then=_applied(edits, ()),
        due=True,
        around=_on_trial(seen, repair),
        said=edits.told,
    )


def drop(seen: Seen) -> Plan:
    """Take our file away and give back what was taken out of others; nothing when there is neither file nor note.

    Raises `NotManaged` when only a file is there that OSAPI did not write.
    """
    edits = takeover.given_back(seen.tree, seen.taken)
    if seen.file.note is None or (seen.file.file is None and seen.file.backup is None and not edits.files):
        return files.undeploy(seen.file)
    return files.undeploy(
        seen.file,
        first=_tried(seen, {**edits.files, seen.path: seen.file.backup_content}),
        then=_applied(edits, attributes.to_complete_removal(seen)),
        around=_on_trial(seen, attributes.to_undo_removal(seen)),
        shown=True,
        said=edits.told,
    )


def _sections(wanted: Wanted, place: places.Place) -> Sections:
    return {**wanted.beside, place.section: {place.id: wanted.definition}}


def _file(seen: Seen, wanted: Wanted, place: places.Place, clashes: list[Clash]) -> deploy.Wanted:
    metadata = {"interface": seen.name, "config": wanted.config}
    metadata |= attributes.to_note(seen, wanted.definition, makes_it=bool(wanted.makes))
    if taken := [*seen.taken, *clashes]:
        metadata["taken"] = msgspec.json.encode(taken).decode()
    content = deploy.Content.of(compose(_sections(wanted, place)))
    return deploy.Wanted(path=seen.path, content=content, mode=MODE, metadata=metadata, shown=True)


def _tried(seen: Seen, changes: Mapping[str, bytes | None]) -> list[Action]:
    """Let netplan try all files as they will be, where they do not count. None is a file that goes."""
    after = _scratch(seen, changes)
    actions: list[Action] = [Remove(path=path) for path in seen.leftovers if path not in after]
    actions += [_write(path, content) for path, content in after.items()]
    generate = ("netplan", "generate", "--root-dir", seen.scratch)
    return [*actions, Run(argv=generate, deadline_s=GENERATE_S, failure="invalid_config")]


def _applied(edits: Edits, completing: Sequence[Argv]) -> list[Action]:
    """What follows from the change of our file."""
    others: list[Action] = [_write(path, content) for path, content in edits.files.items()]
    programs = [Run(argv=argv, privileged=True, accept=None) for argv in completing]
    apply = Run(argv=("netplan", "apply"), privileged=True, deadline_s=APPLY_S, failure="apply_failed")
    return [*others, apply, *programs]


def _on_trial(seen: Seen, repair: Sequence[Argv]) -> Around:
    """On trial, and then the folder for trying is cleared. Until then the undoing may need it."""

    def around(actions: tuple[Action, ...]) -> Sequence[Action]:
        cleared = [Remove(path=path) for path in _scratch(seen, {seen.path: b""})]
        return (Try(actions=actions, repair=tuple(repair)), *cleared)

    return around


def _scratch(seen: Seen, changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """All files as they will be, in a root of their own, whichever folder they are in."""
    after = seen.tree.after(changes).files
    return {f"{seen.scratch}{places.DIRECTORY}/{path.rpartition('/')[2]}": content for path, content in after.items()}


def _write(path: str, content: bytes) -> Write:
    return Write(path=path, content=content, mode=MODE, make_parents=True)
