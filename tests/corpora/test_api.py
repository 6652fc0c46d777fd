"""Rows 35 and 39 of the fault matrix, at the API: what is not refused is passed on exactly as it came."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.corpora import fields, payloads
from tests.corpora.attempts import Target, as_json, fits, targets
from tests.unit.controller.kit import Answer, Stage, bearer, stage

from osapi.contract import masking

pytestmark = pytest.mark.anyio

TARGETS = list(targets())
REFUSED = (400, 404, 413, 414)
"""Refused as a request, or no such path: an empty name, for example."""
BODY_LIMIT = 1 << 20


@pytest.fixture
def api() -> Stage:
    return stage(body_limit=BODY_LIMIT)


@pytest.mark.parametrize("corpus", ["injection", "traversal"])
async def test_a_text_is_refused_or_passed_on_as_it_is(api: Stage, corpus: str) -> None:
    names = [name for name in payloads.EVERYTHING if name.startswith(corpus)]
    tally: Counter[str] = Counter()
    wrong = [
        f"{target.name}, {name}: {fault}"
        for target in TARGETS
        for name in names
        if (fault := await _fault(api, target, target.text(name), tally))
    ]
    row = 39 if corpus == "injection" else 35
    print(
        f"\nrow {row}: {corpus} at the API: fields x payloads = {len(TARGETS)} x {len(names)}, "
        f"refused = {tally['refused']}, passed on as plain data = {tally['passed']}, hits = {len(wrong)}"
    )
    assert wrong == []


async def test_a_target_is_a_name_or_refused(api: Stage) -> None:
    statuses = Counter[int]()
    for name in payloads.EVERYTHING:
        path = f"/api/node/{_quoted(payloads.text_of(name, 'host-a'))}/hostname"
        statuses[(await api.call("GET", path, authorization=bearer("admin"))).status] += 1
    assert set(statuses) <= {*REFUSED}, statuses
    assert api.jobs.submitted == []
    print(f"\nrow 39: injection and traversal as target: payloads = {len(payloads.EVERYTHING)}, hits = 0")


async def _fault(api: Stage, target: Target, text: str, tally: Counter[str]) -> str | None:
    """What is wrong with the API's answer; None when nothing is."""
    api.jobs.submitted.clear()
    answer = await _send(api, target, text)
    if answer.status in REFUSED:
        tally["refused"] += 1
        return "a job was made of what was refused" if api.jobs.submitted else None
    if not api.jobs.submitted:
        return f"status {answer.status}: {answer.body[:200]!r}"
    tally["passed"] += 1
    passed = msgspec.to_builtins(api.jobs.submitted[0].request, enc_hook=masking.reveal)
    if not fits(target, text):
        return "passed on although the agent will refuse it"
    return None if fields.found(passed, target.place) == text else f"passed on as {passed}"


async def _send(api: Stage, target: Target, text: str) -> Answer:
    request: dict[str, Any] = dict(target.request(text))
    method, path = target.operation.route
    path = re.sub(r"{(\w+)}", lambda name: _quoted(str(request.pop(name[1]))), path)
    body = b""
    if method in ("GET", "DELETE"):
        pairs = [
            (name, one) for name, value in request.items() for one in (value if isinstance(value, list) else [value])
        ]
        path += "?" + "&".join(f"{name}={_quoted(_plain(value))}" for name, value in pairs)
    else:
        body = as_json(request)
    return await api.call(method, f"/api/node/host-a{path}", body, authorization=bearer("admin"))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Every byte in percent encoding, so that nothing is lost on the way; also what is no valid text."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
