"""One payload in one place of one operation, and what an agent makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from tests.corpora import fields, payloads
from tests.corpora.fields import Place
from tests.corpora.gullible import GulliblePrograms, GullibleServices
from tests.domains.cases import Case, load_all
from tests.unit.agent import kit

from osapi.agent import execution, intake
from osapi.agent.catalogue import Catalogue
from osapi.agent.execution import Outcome
from osapi.contract.operation import Operation
from osapi.domains import discovery
from osapi.host.service import Ask
from osapi.jobs import subjects
from osapi.jobs.record import Ending
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost
from osapi.testing.programs import Call


@dataclass(frozen=True)
class Target:
    """A place for text in the request of an operation, and a request that works."""

    case: Case
    """Shows how the request works, and on what host."""
    place: Place
    value: str
    """What stands there in the case; something short when nothing does."""
    is_verbatim: bool

    @property
    def operation(self) -> Operation[Any, Any]:
        return self.case.operation

    @property
    def name(self) -> str:
        return f"{self.operation.name} {fields.spelled(self.place)}"

    def text(self, payload: str) -> str:
        """The payload for this place."""
        return payloads.text_of(payload, self.value)

    def request(self, text: str) -> Any:
        """The request with this text in the place."""
        return fields.replaced(fields.model_of(self.operation), self.case.content.request, self.place, text)


@dataclass(frozen=True)
class Effect:
    """What an attempt led to on a host in memory."""

    outcome: Outcome
    calls: tuple[Call, ...]
    written: dict[str, bytes | None]
    """Files that differ afterwards; None for one that is gone."""
    asked: tuple[Ask, ...] = ()
    """What services were asked."""


def targets() -> Iterator[Target]:
    """Every place of every operation."""
    good = sorted((case for case in load_all() if case.content.failure is None), key=_does_nothing)
    for operation in discovery.operations():
        shown = [case for case in good if case.operation.name == operation.name]
        for place in fields.places(operation):
            best = next((case for case in shown if fields.found(case.content.request, place)), shown[0])
            value = fields.found(best.content.request, place)
            yield Target(best, place, str(value or "x"), fields.is_verbatim(operation, place))


def _does_nothing(case: Case) -> bool:
    """Whether everything is as it is asked for, so that a provider need not come far."""
    result = case.content.result
    return isinstance(result, dict) and result.get("changed") is False


def as_json(request: Any) -> bytes:
    """The request as an attacker spells it: also what is no valid text."""
    return json.dumps(request).encode()


def fits(target: Target, text: str) -> bool:
    """Whether the model takes it."""
    try:
        msgspec.json.decode(as_json(target.request(text)), type=target.operation.request)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


async def attempt(target: Target, text: str) -> Effect:
    """Give an agent a signed job that no API has seen."""
    host = target.case.new_host()
    await target.case.prepare(host)
    host._state.programs = GulliblePrograms(host._state.programs, text, target.value)
    host._state.services = GullibleServices(host._state.services, text, target.value)
    return await _effect(target, host, [text])


async def refusals(target: Target, texts: Sequence[str]) -> Effect:
    """Give an agent texts that the model does not take, one after the other."""
    return await _effect(target, target.case.new_host(), texts)


async def _effect(target: Target, host: FakeHost, texts: Sequence[str]) -> Effect:
    """Run the jobs one after the other. The outcome is the last one's, or the first that was not refused as invalid."""
    before, outcome = host.snapshot(), Outcome(Ending.FAILED, code="invalid")
    for text in texts:
        outcome = await _run(target.operation, host, as_json(target.request(text)))
        if outcome.code != "invalid":
            break
    effect = Effect(outcome, tuple(host.calls), _differing(before, host.snapshot()), tuple(host.asked))
    host.close()
    return effect


async def _run(operation: Operation[Any, Any], host: FakeHost, request: bytes) -> Outcome:
    job = kit.job(operation.name, kind=operation.kind)
    job = msgspec.structs.replace(job, request=msgspec.Raw(request))
    arrival = intake.Arrival(subjects.live(subjects.submission(job.kind, job.route)), kit.seal(job))
    me = intake.Identity(kit.ME, kit.NOW)
    decision = intake.decide(arrival, me, kit.unseal, lambda _: intake.Standing.NEW, kit.NOW)
    if not isinstance(decision, intake.Run):
        return Outcome(Ending.FAILED, error=f"not answered: {decision}", code="invalid")
    found = Catalogue(discovery, host.family.chain).find(operation.name)
    assert found is not None
    return await execution.execute(found, decision.job, host)


def _differing(before: dict[str, FakeFile], after: dict[str, FakeFile]) -> dict[str, bytes | None]:
    changed: dict[str, bytes | None] = {path: file.content for path, file in after.items() if before.get(path) != file}
    return {**changed, **dict.fromkeys(before.keys() - after.keys())}
