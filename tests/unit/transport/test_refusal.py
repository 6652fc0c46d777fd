from __future__ import annotations

import pytest

from osapi.contract.errors import Conflict, Invalid, NotFound, OsapiError, TooLarge, Unavailable
from osapi.transport.refusal import Refusal, as_error


@pytest.mark.parametrize(
    ("code", "err_code", "kind"),
    [
        (400, 10071, Conflict),  # wrong last sequence
        (400, 10070, Conflict),  # wrong last msg ID
        (400, 10058, Conflict),  # stream name already in use with a different configuration
        (400, 10054, TooLarge),  # message size exceeds maximum allowed
        (404, 10059, NotFound),  # stream not found
        (404, 10014, NotFound),  # consumer not found
        (503, 10077, Unavailable),  # maximum messages exceeded
        (503, 10023, Unavailable),  # insufficient resources
        (500, 10047, Unavailable),  # insufficient storage resources available
        (400, 10002, Unavailable),  # resource limits exceeded for account
        (400, 10026, Unavailable),  # maximum consumers limit reached
        (503, 10008, Unavailable),  # JetStream system temporarily unavailable
        (409, 10158, Unavailable),  # duplicate message id is in process
        (500, 10052, Invalid),  # invalid stream configuration
        (500, 10074, Invalid),  # replicas > 1 not supported in non-clustered mode
        (400, 10065, Invalid),  # subjects overlap with an existing stream
    ],
)
def test_every_refusal_has_its_kind(code: int, err_code: int, kind: type[OsapiError]) -> None:
    error = as_error(Refusal(code, err_code, "why"), "it cannot be done")
    assert type(error) is kind
    assert error.message == "it cannot be done: why"


def test_unavailable_after_a_word_of_the_broker_is_told_from_unavailable_without_one() -> None:
    assert as_error(Refusal(503, 10077, "maximum messages exceeded"), "x").error_code == "refused"
