"""The judges of the corpora see harm when there is some; otherwise a count of no hits would say nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.corpora.attempts import Effect, Target, targets
from tests.corpora.payloads import CANARY
from tests.corpora.verdicts import hits, reached

from osapi.agent.execution import Outcome
from osapi.host.service import Ask
from osapi.jobs.record import Ending
from osapi.testing.programs import Call

OPTION = f"--root={CANARY}"
ORDER = f"x;touch {CANARY}"
LINES = f"x\ntouch {CANARY}"
DONE = Outcome(Ending.COMPLETED)


@pytest.fixture
def target() -> Target:
    return next(each for each in targets() if each.name == "node.group.create name")


def call(*argv: str, **more: object) -> Effect:
    return Effect(DONE, (Call(argv=argv, deadline_s=1, **more),), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "effect", "says"),
    [
        (OPTION, call("groupadd", OPTION), "read as an option"),
        (OPTION, call("groupadd", "-f", OPTION, "--", "x"), "read as an option"),
        (ORDER, call("sh", "-c", f"groupadd -- {ORDER}"), "handed to sh"),
        (ORDER, call("/usr/bin/env", "--", ORDER), "handed to env"),
        (ORDER, call(ORDER), "run as a program"),
        (ORDER, call("groupadd", "--", f"touch {CANARY}"), "taken apart"),
        (ORDER, call("groupadd", "--", "x", env={"LANG": ORDER}), "in the environment"),
        (LINES, call("chpasswd", stdin=f"alice:{LINES}".encode()), "lines of its own in the input"),
        (LINES, Effect(DONE, (), {"/etc/x.conf": LINES.encode()}), "lines of its own in /etc/x.conf"),
        ("../x", Effect(DONE, (), {CANARY: b""}), "wrote"),
        ("../x", Effect(DONE, (), {f"{CANARY}/x": None}), "wrote"),
        ("a?b", Effect(DONE, (), {}, (Ask(socket="/s", target="/images/a?b"),)), "not encoded"),
        ("..", Effect(DONE, (), {}, (Ask(socket="/s", target="/images/%2E%2E/json"),)), "leads elsewhere"),
        ("x", Effect(Outcome(Ending.FAILED, code="internal", error="KeyError"), (), {}), "crashed"),
    ],
)
def test_harm_is_seen(target: Target, text: str, effect: Effect, says: str) -> None:
    (hit,) = hits(target, text, effect)
    assert says in hit


def test_a_secret_among_the_arguments_of_a_program_is_harm(target: Target) -> None:
    secret = replace(target, is_secret=True)
    assert "told to everybody" in hits(secret, "hunter2", call("passwd", "--", "hunter2"))[0]
    assert hits(secret, "hunter2", call("chpasswd", stdin=b"alice:hunter2")) == []


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        (OPTION, call("groupadd", "--", OPTION)),
        (OPTION, call("useradd", f"--home-dir={OPTION}", "--", "x")),
        (ORDER, call("useradd", "--shell", ORDER, "--", "x")),
        (ORDER, call("chpasswd", stdin=ORDER.encode())),
        (ORDER, Effect(DONE, (), {"/etc/x.conf": ORDER.encode()})),
        ("a?b", Effect(DONE, (), {}, (Ask(socket="/s", target="/images/a%3Fb/json?a=b"),))),
        (ORDER, Effect(Outcome(Ending.FAILED, code="invalid"), (), {})),
    ],
)
def test_plain_data_is_no_harm(target: Target, text: str, effect: Effect) -> None:
    assert hits(target, text, effect) == []
    assert reached(text, effect) == (effect.outcome is DONE and not effect.asked)


def test_what_the_caller_wants_run_is_his_own(target: Target) -> None:
    own = replace(target, is_verbatim=True)
    assert hits(own, ORDER, call("sh", "-c", "--", ORDER)) == []
    assert hits(own, ORDER, call("sh", "-c", "--", f"touch {CANARY}")) != []
    assert hits(own, "../x", Effect(DONE, (), {CANARY: b""})) != []
