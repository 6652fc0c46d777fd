"""What becomes of letters: which is sent next, and what its delivery or failure means. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from osapi.notify.models import Ledger, Letter, Standing
from osapi.notify.rules import Rules, back_off


def limited(ledger: Ledger, rules: Rules, now: float) -> Ledger:
    """Leave out what is above the rate limit, and write a letter that tells so when there is room again.

    Letters to notifiers that the settings no longer name are dropped.
    """
    for name in rules.notifiers:
        ledger = _limited(ledger, name, rules, now)
    kept = tuple(letter for letter in ledger.letters if letter.notifier in rules.notifiers)
    return replace(ledger, letters=kept)


def _limited(ledger: Ledger, name: str, rules: Rules, now: float) -> Ledger:
    standing = ledger.standings.get(name, Standing())
    mine = [letter for letter in ledger.letters if letter.notifier == name]
    sent = [each for each in standing.sent if each > now - rules.rate_s]
    tried = sum(letter.attempts > 0 for letter in mine)
    fresh = [letter for letter in mine if letter.attempts == 0]
    room = max(0, rules.rate - len(sent) - tried) if rules.rate else len(fresh)
    over = fresh[room:]
    messages, events = standing.left_out
    messages, events = messages + len(over), events + sum(sum(letter.counts.values()) for letter in over)
    dropped = {letter.id for letter in over}
    letters = tuple(letter for letter in ledger.letters if letter.id not in dropped)
    numbered = ledger.numbered
    if messages and not over and len(fresh) < room:
        numbered += 1
        letters += (Letter(id=numbered, notifier=name, created=now, left_out=(messages, events), due=now),)
        messages, events = 0, 0
    after = replace(standing, sent=tuple(sent), left_out=(messages, events))
    standings = ledger.standings if after == standing else {**ledger.standings, name: after}
    return replace(ledger, letters=letters, standings=standings, numbered=numbered)


def next_for(ledger: Ledger, name: str, now: float) -> Letter | None:
    """The oldest letter for a notifier that is due; None when there is nothing to send. Later ones wait for it."""
    first = next((letter for letter in ledger.letters if letter.notifier == name), None)
    return first if first is not None and first.due <= now else None


def delivered(ledger: Ledger, letter: Letter, now: float) -> Ledger:
    """The ledger without a letter that has arrived."""
    standing = ledger.standings.get(letter.notifier, Standing())
    after = replace(standing, sent=(*standing.sent, now), delivered=standing.delivered + 1, last_success=now, error="")
    return _without(ledger, letter, after)


def failed(ledger: Ledger, letter: Letter, error: str, rules: Rules, now: float) -> Ledger:
    """The ledger after an attempt that failed: the letter waits for the next one, or is given up."""
    standing = replace(ledger.standings.get(letter.notifier, Standing()), error=error)
    attempts = letter.attempts + 1
    if attempts >= rules.attempts:
        return _without(ledger, letter, replace(standing, failed=standing.failed + 1))
    later = replace(letter, attempts=attempts, due=now + back_off(rules, attempts))
    letters = tuple(later if each.id == letter.id else each for each in ledger.letters)
    return replace(ledger, letters=letters, standings={**ledger.standings, letter.notifier: standing})


def _without(ledger: Ledger, letter: Letter, standing: Standing) -> Ledger:
    letters = tuple(each for each in ledger.letters if each.id != letter.id)
    return replace(ledger, letters=letters, standings={**ledger.standings, letter.notifier: standing})
