"""How a job ends, for everything a provider can do; and how its provider is found."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest
from tests.unit.agent.kit import FAILURES, Domains, Effects, FakeHost, Thing, job, open_secrets, with_key

from osapi.agent import execution
from osapi.agent.catalogue import Catalogue
from osapi.agent.execution import Outcome
from osapi.contract.errors import DeadlineExceeded, OsapiError, Permanent, Unsupported
from osapi.contract.operation import Kind
from osapi.host.door import Host, Keep, Live
from osapi.jobs.record import Ending, Job

pytestmark = pytest.mark.anyio
HOST = cast("Host", FakeHost())


@pytest.fixture
def effects() -> Effects:
    return Effects()


@pytest.fixture
def domains(effects: Effects) -> Domains:
    return Domains(effects)


async def run(domains: Domains, job: Job, families: tuple[str, ...] = ("debian", "linux")) -> Outcome:
    found = Catalogue(domains, families).find(job.operation)
    assert found is not None
    return await execution.execute(found, job, HOST, open_secrets)


async def test_a_query_answers_with_its_result(domains: Domains) -> None:
    outcome = await run(domains, job("thing.read", request={"count": 3}))
    assert outcome == Outcome(Ending.COMPLETED, data=msgspec.Raw(b'{"text":"read 3"}'))


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_change_says_whether_it_changed_and_check_mode_reaches_the_host(
    domains: Domains, *, dry_run: bool
) -> None:
    change = job("thing.write", kind=Kind.MODIFY, dry_run=dry_run)
    outcome = await run(domains, change)
    assert (outcome.ending, outcome.changed) == (Ending.COMPLETED, not dry_run)
    assert domains.effects.written == [change.id]


@pytest.mark.parametrize(("problem", "ending", "code"), FAILURES, ids=str)
async def test_a_failure_keeps_its_kind_and_its_text(
    domains: Domains, problem: OsapiError, ending: str, code: str
) -> None:
    domains.effects.raises = problem
    outcome = await run(domains, job("thing.raise"))
    assert outcome == Outcome(Ending(ending), error=problem.message, code=code)


@pytest.mark.parametrize("problem", [RuntimeError("oops"), TimeoutError("mine"), KeyError("x"), OSError(5, "I/O")])
async def test_what_nobody_expected_is_an_internal_failure(domains: Domains, problem: Exception) -> None:
    domains.effects.raises = problem
    outcome = await run(domains, job("thing.raise"))
    assert (outcome.ending, outcome.code) == (Ending.FAILED, "internal")
    assert type(problem).__name__ in (outcome.error or "")


async def test_a_deadline_stops_the_provider(domains: Domains, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "GRACE_S", 0.0)
    outcome = await run(domains, job("thing.hang", kind=Kind.MODIFY, deadline_s=0.01))
    assert (outcome.ending, outcome.code) == (Ending.TIMEOUT, "timeout")
    assert domains.effects.cancelled == 1


async def test_what_a_command_said_before_its_time_ran_out_is_kept(domains: Domains) -> None:
    domains.effects.raises = DeadlineExceeded("too slow", details={"stdout": "half"})
    outcome = await run(domains, job("thing.raise"))
    assert (outcome.ending, outcome.data) == (Ending.TIMEOUT, msgspec.Raw(b'{"stdout":"half"}'))


async def test_cancellation_goes_on_to_the_provider_and_out(domains: Domains) -> None:
    task = asyncio.ensure_future(run(domains, job("thing.hang", kind=Kind.MODIFY)))
    await domains.effects.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert domains.effects.cancelled == 1


@pytest.mark.parametrize("request_", [{"count": "x"}, [], None, {"count": 1.5}])
async def test_a_request_that_does_not_fit_is_invalid(domains: Domains, request_: Any) -> None:
    outcome = await run(domains, job("thing.read", request=msgspec.Raw(msgspec.json.encode(request_))))
    assert (outcome.ending, outcome.code) == (Ending.FAILED, "invalid")


async def test_a_family_without_a_provider_skips_and_is_named(domains: Domains) -> None:
    outcome = await run(domains, job("thing.read"), families=("alpine", "linux"))
    assert (outcome.ending, outcome.code) == (Ending.SKIPPED, "unsupported")
    assert outcome.error == "thing is not supported on alpine"


async def test_a_long_result_is_cut(domains: Domains) -> None:
    domains.effects.result = Thing(text="x" * 2_000_000)
    outcome = await run(domains, job("thing.read"))
    assert outcome.ending is Ending.COMPLETED
    assert len(outcome.data) < 600_000
    assert b"more characters left out" in bytes(outcome.data)


async def test_a_result_that_cannot_be_cut_says_that_the_work_is_done(domains: Domains) -> None:
    domains.effects.result = list(range(300_000))
    outcome = await run(domains, job("thing.read"))
    assert (outcome.ending, outcome.code, outcome.data) == (Ending.FAILED, "too_large", msgspec.Raw(b"null"))
    assert "the work is done" in (outcome.error or "")


# -- secrets -----------------------------------------------------------------------------------

KEY = "hunter2-hunter2"


async def test_a_provider_is_given_the_secrets_of_its_job(domains: Domains) -> None:
    outcome = await run(domains, with_key(KEY))
    assert (outcome.ending, domains.effects.keys) == (Ending.COMPLETED, [KEY])


async def test_what_is_sealed_to_another_agent_is_not_run(domains: Domains) -> None:
    made = with_key(KEY)
    assert made.secrets is not None
    spoiled = msgspec.structs.replace(made, secrets=msgspec.structs.replace(made.secrets, keys=bytes(80)))
    outcome = await run(domains, spoiled)
    assert (outcome.ending, outcome.code, domains.effects.keys) == (Ending.FAILED, "not_sealed_to_us", [])


@pytest.mark.parametrize("spoil", [{"places": ("count",)}, {"places": ("nothing",)}, None])
async def test_a_mask_is_never_taken_for_a_secret(domains: Domains, spoil: dict[str, Any] | None) -> None:
    made = with_key(KEY)
    assert made.secrets is not None
    secrets = None if spoil is None else msgspec.structs.replace(made.secrets, **spoil)
    outcome = await run(domains, msgspec.structs.replace(made, secrets=secrets))
    assert (outcome.ending, outcome.code, domains.effects.keys) == (Ending.FAILED, "invalid", [])


async def test_a_result_that_repeats_a_secret_has_a_mask(domains: Domains) -> None:
    domains.effects.result = Thing(text=f"the key is {KEY}")
    assert (await run(domains, with_key(KEY))).data == msgspec.Raw(b'{"text":"the key is ********"}')


async def test_masks_do_not_make_a_result_too_long(domains: Domains) -> None:
    domains.effects.result = Thing(text="abcd" * 200_000)
    outcome = await run(domains, with_key("abcd"))
    assert outcome.ending is Ending.COMPLETED
    assert len(outcome.data) < 896 * 1024
    assert b"abcd" not in bytes(outcome.data)


@pytest.mark.parametrize(
    "problem",
    [Permanent(f"bad {KEY}"), Unsupported(f"no {KEY}"), DeadlineExceeded(KEY, details={"stdout": f"[{KEY}]"})],
)
async def test_a_failure_that_repeats_a_secret_has_a_mask(domains: Domains, problem: OsapiError) -> None:
    domains.effects.raises = problem
    outcome = await run(domains, with_key(KEY, "thing.raise"))
    assert KEY not in f"{outcome} {bytes(outcome.data)!r}"
    assert "********" in (outcome.error or "")


class Heard:
    """Everything that is given out, live and to be kept."""

    def __init__(self) -> None:
        self.live, self.kept = b"", b""

    def text(self, _: str, piece: bytes) -> None:
        self.live += piece

    def spool(self, _: str, __: int | None) -> Heard:
        return self

    def add(self, piece: bytes) -> None:
        self.kept += piece

    async def finish(self, _: float) -> None:
        pass

    abandon = finish


async def test_what_is_given_out_meanwhile_has_a_mask_too(domains: Domains) -> None:
    domains.effects.says = f"my key is {KEY}, {KEY[:-1]}".encode()
    found, heard = Catalogue(domains, ("debian",)).find("thing.read"), Heard()
    assert found is not None
    live, keep = cast("Live", heard), cast("Keep", heard)
    await execution.execute(found, with_key(KEY), HOST, open_secrets, live, keep)
    assert heard.live == heard.kept == f"my key is ********, {KEY[:-1]}".encode()


async def test_what_nobody_expected_does_not_bring_a_secret_into_the_log(
    domains: Domains, caplog: pytest.LogCaptureFixture
) -> None:
    domains.effects.raises = RuntimeError(f"cannot use {KEY}")
    outcome = await run(domains, with_key(KEY, "thing.raise"))
    assert (outcome.code, outcome.error) == ("internal", "internal error: RuntimeError: cannot use ********")
    assert "job.crashed" in caplog.text
    assert KEY not in caplog.text + str([record.__dict__ for record in caplog.records])


def test_a_domain_is_read_when_it_is_first_needed_and_the_one_of_that_name_first(domains: Domains) -> None:
    catalogue = Catalogue(domains, ("debian",))
    assert domains.read == []
    assert catalogue.find("thing.read") is not None
    assert catalogue.find("thing.write") is not None
    assert domains.read == ["thing"]


def test_an_operation_that_nobody_declares_is_not_found(domains: Domains) -> None:
    catalogue = Catalogue(domains, ("debian",))
    assert catalogue.find("node.nothing") is None
    assert catalogue.find("node.nothing") is None
    assert sorted(domains.read) == ["other", "thing"]
