"""Rows 35 and 39 of the fault matrix on a real host: whatever of the corpora comes to a program or into a file.

Only texts that name the canary, because that is what is looked for; the others are judged on a host in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.acceptance.controller import Unchecked, unchecked
from tests.acceptance.fleet import Fleet
from tests.acceptance.subject import Subject, subject
from tests.corpora import fields, payloads
from tests.corpora.attempts import Target, attempt, fits, targets
from tests.corpora.verdicts import is_interpreted, reached
from tests.domains import proofs
from tests.domains.proofs import Proof

from osapi.contract import masking
from osapi.contract.operation import Kind

pytestmark = [pytest.mark.hosts, pytest.mark.anyio, pytest.mark.timeout(900)]

NUMBER = 2
PLACES = {operation.name: (domain, constant) for domain, constant, operation in proofs.everything()}


@pytest.fixture
def host(fleet: Fleet) -> Any:
    with subject(fleet, NUMBER) as found:
        yield found


@pytest.fixture
async def attacker(fleet: Fleet, host: Subject) -> AsyncIterator[Unchecked]:
    async with unchecked(fleet.data, fleet.broker, host.machine) as found:
        yield found


async def test_rows_35_and_39_nothing_is_run_and_nothing_leads_elsewhere(host: Subject, attacker: Unchecked) -> None:
    jobs, shot, crashed, made = 0, 0, [], []
    for target in targets():
        names = [name for name in payloads.EVERYTHING if await _comes_far(target, name)]
        if not names:
            continue
        codes = await _shoot(host, attacker, target, names)
        crashed += [f"{target.name}, {name}" for name, code in codes.items() if code == "internal"]
        made += [f"{target.name}: {path}" for path in host.shell(f"ls -d {payloads.CANARY}* || true").split()]
        jobs, shot = jobs + len(names), shot + 1
    hits = [*crashed, *made]
    print(
        f"\nrow 39: injection and traversal on a real host: fields = {shot}, signed jobs = {jobs}, hits = {len(hits)}"
    )
    assert hits == []


async def _comes_far(target: Target, name: str) -> bool:
    """Whether the text comes to a program or a file, and was not meant to be a program, or for that very place."""
    text = target.text(name)
    if payloads.CANARY not in text or not fits(target, text):
        return False
    if target.value.startswith("/") and text.startswith(payloads.CANARY):
        return False
    effect = await attempt(target, text)
    return reached(text, effect) and not (target.is_verbatim and is_interpreted(effect))


async def _shoot(host: Subject, attacker: Unchecked, target: Target, names: list[str]) -> dict[str, str | None]:
    """The code that each payload ends with. What a payload changed is undone before the next."""
    domain, constant = PLACES[target.operation.name]
    proof = _proof(domain, constant, target)
    folder = proofs.path_of(domain, constant).parent
    codes: dict[str, str | None] = {}
    left = iter(names)
    while len(codes) < len(names):
        with host.prepared(proof, folder):
            base = msgspec.to_builtins(host.request(target.operation, proof), enc_hook=masking.reveal)
            for name in left:
                answer = await attacker.run(target.operation, _request(target, base, name))
                codes[name] = answer.code
                if answer.changed:
                    break
    return codes


def _proof(domain: str, constant: str, target: Target) -> Proof:
    if target.operation.kind is Kind.MODIFY:
        return proofs.change(domain, constant)
    if proofs.path_of(domain, constant).exists():
        return proofs.read(domain, constant)
    return Proof(about="", look="", request=target.case.content.request)


def _request(target: Target, base: dict[str, Any], name: str) -> Any:
    value = fields.found(base, target.place)
    text = payloads.text_of(name, str(value or target.value))
    return fields.replaced(fields.model_of(target.operation), base, target.place, text)
