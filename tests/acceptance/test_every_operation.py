"""Every operation on a real host, each by its proof (`tests/domains/<domain>/acceptance`).

A change is foretold by check mode, which touches nothing; made, which shows on the host; and not made twice. All of it is
asked of an agent that is root, and of one that is not and goes through sudo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.acceptance.fleet import Fleet, eventually
from tests.acceptance.subject import Subject, subject, told
from tests.acceptance.unprivileged import unprivileged
from tests.domains import proofs

from osapi.contract.operation import Kind

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

NUMBER = 3
"""The host that nobody else changes."""
EVERYTHING = proofs.everything()
CHANGES = [each for each in EVERYTHING if each[2].kind is Kind.MODIFY]
READS = [each for each in EVERYTHING if each[2].kind is Kind.QUERY]


def name(each: tuple[str, str, Any]) -> str:
    return str(each[2].name)


@pytest.fixture(scope="module", params=["root", "unprivileged"], name="subject")
def _subject(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[Subject]:
    with subject(fleet, NUMBER) as found:
        if request.param == "root":
            yield found
            return
        with unprivileged(found):
            yield found


@pytest.mark.parametrize("each", CHANGES, ids=name)
def test_a_change_is_foretold_made_and_not_made_twice(subject: Subject, each: Any) -> None:
    domain, constant, operation = each
    proof = proofs.change(domain, constant)
    before, after = proofs.joined(proof.before), proofs.joined(proof.after)
    with subject.prepared(proof, proofs.path_of(domain, constant).parent):
        request = subject.request(operation, proof)
        assert subject.look(proof) == before

        subject.mark()
        foretold = subject.ask(operation, request, dry_run=True)
        assert (foretold.changed, bool(foretold.data.diff)) == (True, True), foretold
        assert (subject.look(proof), subject.touched(proof.touches)) == (before, [])

        made = subject.ask(operation, request)
        assert made.changed is True, made
        with suppress(AssertionError):
            eventually(lambda: subject.look(proof) == after, "the host does not show it")
        assert subject.look(proof) == after
        if proof.repeats:
            return

        subject.mark()
        again = subject.ask(operation, request)
        assert (again.changed, again.data.diff) == (False, ""), again
        assert (subject.look(proof), subject.touched(proof.touches)) == (after, [])


@pytest.mark.parametrize("each", READS, ids=name)
def test_what_is_told_is_what_the_host_shows(subject: Subject, each: Any) -> None:
    domain, constant, operation = each
    proof = proofs.read(domain, constant)
    with subject.prepared(proof, proofs.path_of(domain, constant).parent):
        request = subject.request(operation, proof)
        subject.mark()
        seen: list[str] = []

        def agrees() -> bool:
            seen[:] = [told(subject.ask(operation, request).data, proof.tells), subject.look(proof)]
            return seen[0] == seen[1]

        with suppress(AssertionError):
            eventually(agrees, "told and shown differ")
        assert seen[0] == seen[1] != "", "told and shown differ, or there is nothing to be compared"
        assert subject.touched(()) == []
