"""A host that lacks a program is skipped, with the name of the program, and nothing is done to it by halves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.domains.cases import Case, load_all

from osapi.contract.errors import MissingTool, NotFound, OsapiError
from osapi.testing.host import FakeHost
from osapi.testing.programs import Call

pytestmark = pytest.mark.anyio

AGENTS_OWN = f"{FakeHost().state_dir}/"
SUCCESSES = [case for case in load_all() if case.content.failure is None]


@dataclass(frozen=True)
class Seen:
    """How a case went."""

    calls: tuple[Call, ...]
    changed: bool
    failure: OsapiError | None = None


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.name)
async def test_a_missing_program_is_named(case: Case) -> None:
    whole, reading = await _run(case), await _run(case, check_mode=True)
    for program in {call.argv[0] for call in whole.calls}:
        seen = await _run(case, without=program)
        if seen.failure is None:
            continue  # there is another way
        assert program in seen.failure.message
        is_callers_own = program == case.content.request.get("command")
        kind = NotFound if is_callers_own else MissingTool
        assert type(seen.failure) is kind
        assert not seen.changed
        acting = {call.argv for call in seen.calls if call.argv[0] != program and call not in reading.calls}
        assert [argv for argv in acting if not any(AGENTS_OWN in word for word in argv)] == []


async def _run(case: Case, *, without: str = "", check_mode: bool = False) -> Seen:
    host = case.new_host()
    await case.prepare(host)
    programs = host._state.programs
    programs._scripts = [script for script in programs._scripts if script.argv[0] != without]
    programs._installed.discard(without)
    before = await _state(host)
    failure = None
    try:
        await case.run(host, check_mode=check_mode)
    except OsapiError as caught:
        failure = caught
    seen = Seen(tuple(host.calls), await _state(host) != before, failure)
    host.close()
    return seen


async def _state(host: FakeHost) -> tuple[Any, Any]:
    """Files and notes, but for what the agent keeps for itself: its own folder, and mere intentions."""
    files = {path: file for path, file in host.snapshot().items() if not path.startswith(AGENTS_OWN)}
    notes = (await host.notes()).items()
    return files, {path: replace(note, pending=None) for path, note in notes if note.settled}
