"""Rows 35 and 39 of the fault matrix, on the agent: signed jobs whose requests no API has checked."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.corpora import payloads
from tests.corpora.attempts import attempt, fits, refusals, targets
from tests.corpora.verdicts import hits

pytestmark = pytest.mark.anyio

TARGETS = list(targets())


@pytest.mark.parametrize("corpus", ["injection", "traversal"])
async def test_a_text_is_refused_or_plain_data(corpus: str) -> None:
    names = [name for name in payloads.EVERYTHING if name.startswith(corpus)]
    tally: Counter[str] = Counter()
    harm: list[str] = []
    for target in TARGETS:
        texts = {name: target.text(name) for name in names}
        taken = [name for name, text in texts.items() if fits(target, text)]
        for name in taken:
            effect = await attempt(target, texts[name])
            tally["later" if effect.outcome.error else "plain"] += 1
            harm += [f"{target.name}, {name}: {hit[:300]}" for hit in hits(target, texts[name], effect)]
        refused = await refusals(target, [text for name, text in texts.items() if name not in taken])
        tally["model"] += len(names) - len(taken)
        did_nothing = refused.outcome.code == "invalid" and not (refused.calls or refused.written or refused.asked)
        harm += [] if did_nothing else [f"{target.name}: something was done: {refused}"]
    row = 39 if corpus == "injection" else 35
    print(
        f"\nrow {row}: {corpus} on the agent: fields x payloads = {len(TARGETS)} x {len(names)}, "
        f"refused by the model = {tally['model']}, later = {tally['later']}, plain data = {tally['plain']}, hits = {len(harm)}"
    )
    assert harm == []
