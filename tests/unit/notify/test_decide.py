"""What is told, when, and how often: the pure part, by a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from osapi.notify import post
from osapi.notify.decide import decide
from osapi.notify.models import JOB_FAILED, UNREACHABLE, Change, Finding, Ledger, Letter, View
from osapi.notify.rules import Rules
from osapi.notify.texts import Texts

RULES = Rules()


def finding(name: str = "web-1", condition: str = "HighLoad", since: float = 1000.0) -> Finding:
    key = f"agents.{name}.{condition}"
    return Finding(key=key, condition=condition, subject=name, name=name, reason="load 9 of 4", since=since)


@dataclass
class World:
    """A ledger that looks at what is put before it."""

    rules: Rules = RULES
    now: float = 1000.0
    ledger: Ledger = field(default_factory=lambda: Ledger(began=1000.0))
    silenced: bool = False
    known: frozenset[str] = frozenset({"web-1", "web-2"})

    def look(self, *findings: Finding, after_s: float = 10.0, unjudged: frozenset[str] = frozenset()) -> list[Letter]:
        """The letters that this look adds."""
        self.now += after_s
        view = View(findings={each.key: each for each in findings}, known=self.known, unjudged=unjudged)
        before = self.ledger.numbered
        self.ledger = decide(self.ledger, view, self.rules, lambda *_: self.silenced, self.now)
        return [letter for letter in self.ledger.letters if letter.id > before]

    def tells(self, *findings: Finding, after_s: float = 10.0) -> list[tuple[Change, str]]:
        """What is told within this look and one after the window."""
        letters = [*self.look(*findings, after_s=after_s), *self.look(*findings, after_s=self.rules.window_s)]
        return [(event.change, event.finding.name) for letter in letters for event in letter.events]


def test_what_begins_and_ends_is_told_once_each() -> None:
    world = World()
    assert world.tells(finding()) == [(Change.FIRED, "web-1")]
    assert world.tells(finding()) == []
    assert world.tells() == [(Change.RESOLVED, "web-1")]
    assert world.tells() == []


def test_what_comes_and_goes_within_the_window_is_not_told() -> None:
    world = World()
    assert world.look(finding()) == []
    assert world.look(after_s=1.0) == []
    assert world.tells() == []


def test_hundreds_of_hosts_are_one_bounded_message() -> None:
    hosts = [finding(f"web-{number}", UNREACHABLE) for number in range(500)]
    world = World(known=frozenset(each.subject for each in hosts))
    world.look(*hosts)
    [letter] = world.look(*hosts)
    assert letter.counts == {f"fired {UNREACHABLE}": 500}
    assert len(letter.events) == 100
    title, body = Texts().written(letter)
    assert title == "[OSAPI] 500 unreachable"
    assert body.count("\n") == 22
    assert "and 480 more" in body


def test_what_lasts_is_told_again_after_the_interval() -> None:
    world = World(replace_rules(renotify_s=60.0))
    assert world.tells(finding()) == [(Change.FIRED, "web-1")]
    assert world.tells(finding(), after_s=30.0) == []
    assert world.tells(finding(), after_s=30.0) == [(Change.REPEATED, "web-1")]


def test_a_change_that_nobody_saw_is_told_at_the_next_look_once() -> None:
    world = World()
    world.tells(finding())
    assert world.tells(finding("web-2"), after_s=86_400.0) == [(Change.RESOLVED, "web-1"), (Change.FIRED, "web-2")]
    assert world.tells(finding("web-2")) == []


def test_a_silence_holds_back_and_what_is_still_so_at_its_end_is_told() -> None:
    world = World(silenced=True)
    assert world.tells(finding(), finding("web-2")) == []
    assert world.tells(finding()) == []
    world.silenced = False
    assert world.tells(finding()) == [(Change.FIRED, "web-1")]


def test_what_is_not_judged_stays_as_it_was() -> None:
    world = World()
    lost = finding(condition=UNREACHABLE)
    world.tells(lost)
    assert world.look(unjudged=frozenset({UNREACHABLE})) == []
    assert world.tells(lost) == []


def test_what_is_about_a_host_that_was_removed_ends_without_a_word() -> None:
    world = World()
    world.tells(finding(condition=UNREACHABLE))
    world.known = frozenset()
    assert world.tells() == []
    assert world.ledger.matters == {}


def test_a_failed_job_is_told_once_and_not_when_it_is_forgotten() -> None:
    world = World()
    job = replace(finding(condition=JOB_FAILED, since=1005.0), subject="")
    assert world.tells(job) == [(Change.FIRED, "web-1")]
    assert world.tells() == []


def test_jobs_from_before_notifications_began_are_nobodys_concern() -> None:
    assert World().tells(finding(condition=JOB_FAILED, since=999.0)) == []


def test_what_flaps_is_told_so_once_and_told_again_when_it_is_still() -> None:
    world = World(replace_rules(flaps=3, flaps_within_s=3600.0, still_s=600.0))
    told = [each for turn in range(12) for each in world.tells(*([finding()] if turn % 2 == 0 else []))]
    assert [change for change, _ in told] == [Change.FIRED, Change.RESOLVED, Change.FIRED, Change.FLAPPING]
    assert world.tells(after_s=600.0) == [(Change.RESOLVED, "web-1")]


def test_only_the_conditions_of_the_settings_are_told() -> None:
    world = World(replace_rules(conditions=frozenset({UNREACHABLE})))
    assert world.tells(finding(), finding("web-2", UNREACHABLE)) == [(Change.FIRED, "web-2")]


def test_above_the_rate_limit_messages_are_left_out_and_counted() -> None:
    rules = replace_rules(rate=2, rate_s=60.0)
    ledger, sent = Ledger(began=0.0), []
    for number in range(5):
        view = View(findings={f"{n}": replace(finding(f"{n}"), key=f"{n}") for n in range(number + 1)})
        ledger = decide(ledger, view, replace_rules(rate=2, rate_s=60.0, window_s=0.0), lambda *_: False, number)
        ledger = post.limited(ledger, rules, number)
        if letter := post.next_for(ledger, "log", number):
            sent.append(letter)
            ledger = post.delivered(ledger, letter, number)
    assert [letter.counts for letter in sent] == [{"fired HighLoad": 1}] * 2
    summary = post.next_for(post.limited(ledger, rules, 61.0), "log", 61.0)
    assert summary is not None
    assert summary.left_out == (3, 3)
    assert Texts().written(summary)[0] == "[OSAPI] 3 messages were left out"


def test_a_letter_that_fails_is_tried_with_growing_pauses_and_then_given_up() -> None:
    rules = replace_rules(attempts=3)
    world = World(rules)
    world.look(finding())
    [letter] = world.look(finding())
    first = post.failed(world.ledger, letter, "no", rules, 0.0)
    assert [(each.attempts, each.due) for each in first.letters] == [(1, 5.0)]
    second = post.failed(first, first.letters[0], "no", rules, 5.0)
    assert [(each.attempts, each.due) for each in second.letters] == [(2, 15.0)]
    third = post.failed(second, second.letters[0], "no", rules, 15.0)
    assert third.letters == ()
    assert third.standings["log"].failed == 1
    assert third.standings["log"].error == "no"


def replace_rules(**fields: object) -> Rules:
    return Rules(**fields)  # type: ignore[arg-type]
