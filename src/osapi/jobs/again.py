"""The request of a job that is to be run again: as it was, with the secrets that nobody has kept given anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from osapi.contract import accepting
from osapi.contract.errors import Invalid
from osapi.contract.operation import Operation
from osapi.contract.secret import Secret
from osapi.jobs.record import Job


def request_of(job: Job, operation: Operation[Any, Any], secrets: Mapping[str, Secret]) -> msgspec.Struct:
    """The request. Raises `Invalid` that names what is missing, what the job never had, or what does not fit."""
    places = () if job.secrets is None else job.secrets.places
    missing = [place for place in places if place not in secrets]
    if missing:
        raise Invalid(
            f"secrets: {', '.join(missing)} of job {job.id} cannot be sent again, for it is not kept; give it in `secrets`",
            code="secrets_needed",
            details={"fields": missing},
        )
    unknown = [place for place in secrets if place not in places]
    if unknown:
        raise Invalid(
            f"secrets: job {job.id} has no secret {', '.join(unknown)}; it has {', '.join(places) or 'none'}",
            details={"fields": unknown},
        )
    values = {place: secret.reveal() for place, secret in secrets.items()}
    try:
        return accepting.stored(bytes(job.request), operation.request, values)
    except msgspec.ValidationError as problem:
        raise Invalid(f"the request of job {job.id} does not fit any more: {problem}") from problem
