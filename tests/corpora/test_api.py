"""Rows 35 and 39 of the fault matrix, at the API: what is not refused is passed on exactly as it came."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from tests.corpora import fields, payloads
from tests.corpora.attempts import Target, as_json, fits, targets
from tests.unit.controller.kit import Answer, Stage, bearer, stage

pytestmark = pytest.mark.anyio

TARGETS = list(targets())
REFUSED = (400, 404, 413, 414)
"""Refused as a request, or no such path: an empty name, for example."""
BODY_LIMIT = 1 << 20
ANSWER_S = 5.0
ADMIN = bearer("admin")


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


async def test_a_target_means_the_hosts_that_it_names_or_is_refused(api: Stage) -> None:
    wrong: list[str] = []
    for name in payloads.EVERYTHING:
        text = payloads.text_of(name, "host-a")
        api.jobs.submitted.clear()
        answer = await api.call("GET", f"/api/node/{_quoted(text)}/hostname", authorization=ADMIN)
        reached = [host for submission in api.jobs.submitted for host in submission.hosts.values()]
        if (not reached and answer.status not in REFUSED) or any(host not in text for host in reached):
            wrong.append(f"{name}: {answer.status}, {reached}")
    print(f"\nrow 39: injection and traversal as target: payloads = {len(payloads.EVERYTHING)}, hits = {len(wrong)}")
    assert wrong == []


async def _fault(api: Stage, target: Target, text: str, tally: Counter[str]) -> str | None:
    """What is wrong with the API's answer; None when nothing is."""
    api.jobs.submitted.clear()
    answer = None
    with suppress(TimeoutError):  # what is followed is answered for as long as somebody listens
        async with asyncio.timeout(ANSWER_S):
            answer = await _send(api, target, text)
    if answer is not None and answer.status in REFUSED:
        tally["refused"] += 1
        return "a job was made of what was refused" if api.jobs.submitted else None
    if not api.jobs.submitted:
        return f"not accepted, and not refused: {answer}"
    tally["passed"] += 1
    passed = msgspec.to_builtins(api.jobs.submitted[0].request)
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
    return await api.call(method, f"/api/node/host-a{path}", body, authorization=ADMIN)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Every byte in percent encoding, so that nothing is lost on the way; also what is no valid text."""
    encoded = text.encode("utf-8", "surrogatepass")
    return f"%{encoded.hex('%')}" if encoded else ""
