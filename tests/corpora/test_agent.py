"""Rows 35 and 39 of the fault matrix, on the agent: signed jobs whose requests no API has checked."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.corpora import payloads
from tests.corpora.attempts import Target, attempt, fits, targets
from tests.corpora.verdicts import hits

pytestmark = pytest.mark.anyio

TARGETS = list(targets())


@pytest.mark.parametrize("corpus", ["injection", "traversal"])
async def test_a_text_is_refused_or_plain_data(corpus: str) -> None:
    names = [name for name in payloads.EVERYTHING if name.startswith(corpus)]
    tally: Counter[str] = Counter()
    harm: list[str] = []
    for target in TARGETS:
        for name in names:
            found = await _attempted(target, name, tally)
            harm += [f"{target.name}, {name}: {hit[:300]}" for hit in found]
    row = 39 if corpus == "injection" else 35
    print(
        f"\nrow {row}: {corpus} on the agent: fields x payloads = {len(TARGETS)} x {len(names)}, "
        f"refused by the model = {tally['model']}, later = {tally['later']}, plain data = {tally['plain']}, hits = {len(harm)}"
    )
    assert harm == []


async def _attempted(target: Target, name: str, tally: Counter[str]) -> list[str]:
    text = target.text(name)
    effect = await attempt(target, text)
    if not fits(target, text):
        tally["model"] += 1
        assert effect.outcome.code == "invalid", effect
        return ["something was done"] if effect.calls or effect.written else []
    tally["later" if effect.outcome.error else "plain"] += 1
    return hits(target, text, effect)
