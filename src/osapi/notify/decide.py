"""What is to be told: a pure function of what has been told, what is wrong now, and the time.

People are told a difference: between what they believe (`Matter.told`) and what is so (`Matter.firing`). So nothing is told twice, and what
changed while nobody looked is told at the next look. Differences are gathered for a while and told together; what came and
went within that time is no difference any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from osapi.notify.models import ONCE, Change, Event, Finding, Ledger, Letter, Matter, View
from osapi.notify.rules import KEPT_EVENTS, Rules

Silenced = Callable[[Finding, float], bool]
"""Whether a finding is not to be told at this time."""


def decide(ledger: Ledger, view: View, rules: Rules, silenced: Silenced, now: float) -> Ledger:
    """The ledger after a look: every matter as it is now, and the letters that are to be written. Equal when nothing changed."""
    wanted = {key: each for key, each in view.findings.items() if _is_wanted(each, rules)}
    matters = dict(_seen(ledger, View(findings=wanted, known=view.known, unjudged=view.unjudged), rules, now))
    events = [_as_now(event, wanted) for event in _events(matters, rules, silenced, now)]
    if not events:
        return replace(ledger, matters=matters)
    matters |= {event.finding.key: _told(matters[event.finding.key], event, now) for event in events}
    kept = {key: matter for key, matter in matters.items() if not _is_over(matter, rules, now)}
    return addressed(replace(ledger, matters=kept), tuple(events), rules.notifiers, now)


def addressed(ledger: Ledger, events: tuple[Event, ...], notifiers: tuple[str, ...], now: float) -> Ledger:
    """The ledger with one more letter of these events for each notifier."""
    counts = dict(Counter(f"{event.change.value} {event.finding.condition}" for event in events))
    letters = tuple(
        Letter(
            id=ledger.numbered + number, notifier=name, created=now, counts=counts, events=events[:KEPT_EVENTS], due=now
        )
        for number, name in enumerate(notifiers, 1)
    )
    return replace(ledger, letters=ledger.letters + letters, numbered=ledger.numbered + len(letters))


def _is_wanted(finding: Finding, rules: Rules) -> bool:
    return not rules.conditions or finding.condition in rules.conditions


def _seen(ledger: Ledger, view: View, rules: Rules, now: float) -> Iterator[tuple[str, Matter]]:
    """Every matter as it is now. What is over and told is forgotten."""
    for key, matter in ledger.matters.items():
        after = _looked_at(matter, view, rules, now)
        if after is not None and not _is_over(after, rules, now):
            yield key, after
    for key, finding in view.findings.items():
        if key not in ledger.matters and not (finding.condition in ONCE and finding.since < ledger.began):
            yield key, Matter(finding=finding, firing=True, changed=now, history=(now,))


def _looked_at(matter: Matter, view: View, rules: Rules, now: float) -> Matter | None:
    """A matter after this look; None when there is nothing left to say about it."""
    before = matter.finding
    found = view.findings.get(before.key)
    if before.condition in view.unjudged:
        return matter
    if found is None and (before.condition in ONCE or (before.subject and before.subject not in view.known)):
        return None
    firing = found is not None
    if firing == matter.firing:
        return replace(matter, flapping=matter.flapping and _is_flapping(matter, rules, now))
    recent = (*(each for each in matter.history if each > now - rules.flaps_within_s), now)
    return replace(matter, finding=found or before, firing=firing, changed=now, history=recent[-rules.flaps - 1 :])


def _events(matters: dict[str, Matter], rules: Rules, silenced: Silenced, now: float) -> Iterator[Event]:
    """What is to be told now: everything that differs, once the first difference is old enough."""
    open_ = [matter for matter in matters.values() if not silenced(matter.finding, now)]
    due = [(matter, change) for matter in open_ if (change := _change(matter, rules, now)) is not None]
    if not any(change is Change.REPEATED or now - matter.changed >= rules.window_s for matter, change in due):
        return
    for matter, change in due:
        yield Event(change=change, finding=matter.finding, at=now if change is Change.REPEATED else matter.changed)


def _as_now(event: Event, findings: dict[str, Finding]) -> Event:
    """With the figures of this moment, for what holds still."""
    return replace(event, finding=findings.get(event.finding.key, event.finding))


def _change(matter: Matter, rules: Rules, now: float) -> Change | None:
    """What there is to tell of a matter; None when people know it."""
    if matter.firing != matter.told:
        if _is_flapping(matter, rules, now):
            return None if matter.flapping else Change.FLAPPING
        return Change.FIRED if matter.firing else Change.RESOLVED
    repeats = rules.renotify_s > 0 and matter.finding.condition not in ONCE
    if matter.told and repeats and now - matter.told_at >= rules.renotify_s:
        return Change.REPEATED
    return None


def _is_flapping(matter: Matter, rules: Rules, now: float) -> bool:
    """Whether it has come and gone too often lately, and has not been still since."""
    lately = [each for each in matter.history if each > now - rules.flaps_within_s]
    return len(lately) > rules.flaps and now - matter.changed < rules.still_s


def _told(matter: Matter, event: Event, now: float) -> Matter:
    if event.change is Change.FLAPPING:
        return replace(matter, flapping=True, told_at=now)
    return replace(matter, told=matter.firing, told_at=now, flapping=False)


def _is_over(matter: Matter, rules: Rules, now: float) -> bool:
    """Whether nobody need remember it: it is well, people know it, and it does not come and go."""
    quiet = not matter.firing and not matter.told
    return quiet and all(each <= now - rules.flaps_within_s for each in matter.history)
