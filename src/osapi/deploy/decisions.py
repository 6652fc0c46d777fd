"""What to do so that a file is as it should be, or is OSAPI's no longer, given what is on the host. Pure.

A change of a file that nobody has managed yet begins with a note of the intention, and what was there before is
kept; so whatever happens in between, the next look tells whose the file is. The note is settled last, after
everything that follows from the file: what failed is done again by the next call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from osapi.contract.errors import Conflict, NotManaged
from osapi.deploy import differences
from osapi.deploy.wanted import Seen, Wanted
from osapi.host.plan import Action, Fetch, Forget, Intend, Keep, Plan, Remember, Remove, Restore, Write

Around = Callable[[tuple[Action, ...]], Sequence[Action]]
"""What is put around a change of the file and all that follows from it, such as a trial."""


def _nothing(actions: tuple[Action, ...]) -> Sequence[Action]:
    return actions


def deploy(
    wanted: Wanted,
    seen: Seen,
    *,
    adopt: bool = False,
    first: Sequence[Action] = (),
    then: Sequence[Action] = (),
    due: bool = False,
    around: Around = _nothing,
    said: str = "",
) -> Plan:
    """Put the file in place, or repair it; nothing when it is right.

    `first` is needed in any case, and is done before the file. `then` follows from a change of the file, and is
    done again when it was not seen to end well the last time, or when it is `due`. `said` tells people what else
    changes. Raises `Conflict` when there is a file that OSAPI did not write, unless `adopt` is set: then that is
    kept and put back by `undeploy`.
    """
    if seen.in_the_way and not adopt:
        raise Conflict(
            f"{seen.path} exists and is not managed by osapi; remove it, or set adopt",
            details={"path": seen.path, "found": seen.sha256, "requested": wanted.content.sha256},
        )
    right = not seen.deviations(wanted.content.sha256, wanted.mode)
    if right and is_settled(seen) and not due:
        note = _note(wanted, quiet=True)
        return Plan((*first, *([] if _is_current(note, seen) else [note])), said)
    change = (*([] if right else [_write(wanted, seen)]), *then)
    actions = (*_intention(wanted, seen, then), *first, *around(change), _note(wanted))
    return Plan(actions, _told(differences.of_deploying(wanted, seen), said) or _taken_over(seen))


def undeploy(
    seen: Seen,
    *,
    first: Sequence[Action] = (),
    then: Sequence[Action] = (),
    around: Around = _nothing,
    shown: bool = False,
    said: str = "",
) -> Plan:
    """Put back what was there before, or remove the file; nothing when there is neither note nor file.

    `first` and `then` are done before and after it; `said` tells people what they change. `shown` is as in
    `Wanted`. Raises `NotManaged` when OSAPI did not write the file.
    """
    if seen.note is None:
        if seen.file is not None and seen.sha256 != seen.restored:
            raise NotManaged(f"{seen.path} exists and is not managed by osapi; it is left alone")
        return Plan()
    ours = seen.managed or seen.file is None
    back: Action = Remove(path=seen.path) if seen.backup is None else Restore(path=seen.path)
    change = (*([back] if ours else []), *then)
    actions = (*first, *around(change), Forget(path=seen.path, restored=seen.backup_sha256))
    diff = differences.of_undeploying(seen, shown=shown) if ours else ""
    return Plan(actions, _told(diff, said) or f"{seen.path} is not managed by osapi any more")


def is_settled(seen: Seen) -> bool:
    """Whether the last change of the file, and all that follows from it, was seen to end well."""
    return seen.note is not None and seen.note.settled and seen.note.pending is None


def _intention(wanted: Wanted, seen: Seen, then: Sequence[Action]) -> list[Action]:
    """Without anything that follows, the file itself tells whether it was written."""
    if seen.managed:
        return [Intend(path=seen.path, sha256=wanted.content.sha256)] if then else []
    kept: list[Action] = [Keep(path=seen.path)] if seen.file is not None else []
    return [*kept, _note(wanted, settled=False)]


def _write(wanted: Wanted, seen: Seen) -> Action:
    data = wanted.content.data if seen.fetched is None else seen.fetched
    if isinstance(data, bytes):
        return Write(
            path=wanted.path,
            content=data,
            mode=wanted.mode,
            owner=wanted.owner,
            group=wanted.group,
            make_parents=True,
        )
    return Fetch(
        path=wanted.path, object=data, mode=wanted.mode, owner=wanted.owner, group=wanted.group, make_parents=True
    )


def _note(wanted: Wanted, *, settled: bool = True, quiet: bool = False) -> Remember:
    return Remember(
        path=wanted.path,
        sha256=wanted.content.sha256,
        mode=wanted.mode,
        owner=wanted.owner,
        group=wanted.group,
        source=wanted.content.source,
        metadata=wanted.metadata,
        settled=settled,
        quiet=quiet,
    )


def _is_current(note: Remember, seen: Seen) -> bool:
    """Whether the note says the same already."""
    known = seen.note
    return known is not None and (
        (known.sha256, known.mode, known.owner, known.group, known.source, known.rendered, dict(known.metadata))
        == (note.sha256, note.mode, note.owner, note.group, note.source, None, dict(note.metadata))
    )


def _told(*parts: str) -> str:
    return "\n".join(filter(None, parts))


def _taken_over(seen: Seen) -> str:
    if seen.managed:
        return f"{seen.path} is in place; what follows from it is done again"
    return f"{seen.path} is managed by osapi from now on"
