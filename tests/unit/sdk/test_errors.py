from __future__ import annotations

import pytest

from osapi.sdk import errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.Unauthenticated),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (413, errors.TooLarge),
        (418, errors.ApiError),
        (429, errors.TooManyRequests),
        (500, errors.ServerError),
        (502, errors.ServerError),
        (503, errors.Unavailable),
        (504, errors.NoAnswer),
        (507, errors.Unavailable),
        (301, errors.ApiError),
    ],
)
def test_the_status_decides_the_kind(status: int, kind: type[errors.ApiError]) -> None:
    problem = errors.from_response(status, {}, b"")
    assert type(problem) is kind
    assert problem.status == status
    assert str(status) in problem.message


def test_an_error_carries_everything_the_controller_tells() -> None:
    body = b'{"error":"no","code":"not_managed","job_id":"a","details":{"field":"key"}}'
    problem = errors.from_response(404, {"retry-after": "3"}, body)
    assert (problem.message, problem.code, problem.job_id) == ("no", "not_managed", "a")
    assert problem.details == {"field": "key"}
    assert problem.retry_after_s == 3.0


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b"\xff"])
def test_a_body_of_another_shape_is_no_trouble(body: bytes) -> None:
    assert errors.from_response(502, {"retry-after": "Wed, 21 Oct"}, body).retry_after_s is None


def test_the_message_of_other_frameworks_is_understood() -> None:
    assert errors.from_response(400, {}, b'{"message":"bad"}').message == "bad"
