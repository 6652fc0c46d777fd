"""The request of a job that is run again: with secrets given anew, or not at all."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from tests.unit.agent.kit import OWN_KEY, job

from osapi.contract import masking
from osapi.contract.errors import Invalid
from osapi.contract.operation import Kind, Nothing, Operation
from osapi.contract.secret import Secret
from osapi.jobs import again, sealing
from osapi.jobs.record import Job
from osapi.pki.signing import Signer


class Key(Secret):
    longest = 5


class Request(msgspec.Struct):
    name: str
    key: Annotated[Key, Meta(extra_json_schema=Key.schema())]
    more: list[Annotated[Key, Meta(extra_json_schema=Key.schema())]] = []


CHANGE = Operation(
    name="test.thing.update", operation_id="x", kind=Kind.MODIFY, request=Request, result=Nothing,
    permission="node:write", route=("PUT", "/thing"), command=("node", "thing", "update"), summary="Change a thing.",
)  # fmt: skip


def made(request: Request) -> Job:
    first = job("test.thing.update")
    secrets = sealing.close(first.id, masking.found_in(request), {}, Signer(OWN_KEY))
    return msgspec.structs.replace(first, request=msgspec.Raw(masking.masked(request)), secrets=secrets)


JOB = made(Request("x", Key("a"), [Key("b")]))


def test_secrets_are_asked_for_by_name() -> None:
    with pytest.raises(Invalid, match=r"secrets: key, more/0 of job .* cannot be sent again") as caught:
        again.request_of(JOB, CHANGE, {})
    assert (caught.value.error_code, caught.value.details) == ("secrets_needed", {"fields": ["key", "more/0"]})


def test_secrets_that_are_given_anew_take_their_places() -> None:
    given = {"more/0": Secret("d"), "key": Secret("c")}
    assert again.request_of(JOB, CHANGE, given) == Request("x", Key("c"), [Key("d")])


def test_a_secret_that_the_job_never_had_is_refused() -> None:
    given = {"key": Secret("c"), "more/0": Secret("d"), "name": Secret("y")}
    with pytest.raises(Invalid, match=r"has no secret name; it has key, more/0"):
        again.request_of(JOB, CHANGE, given)
    with pytest.raises(Invalid, match=r"it has none"):
        again.request_of(job(request={"name": "x", "key": "y"}), CHANGE, {"key": Secret("c")})


def test_a_secret_that_does_not_fit_is_refused_and_not_told() -> None:
    with pytest.raises(Invalid, match=r"does not fit any more: expected 1 to 5 characters.*`\$\.key`") as caught:
        again.request_of(JOB, CHANGE, {"key": Secret("hunter2"), "more/0": Secret("d")})
    assert "hunter2" not in caught.value.message
