"""Between a command and a controller: address and token, and what to tell when that goes wrong."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from osapi.cli import exit_status, traced
from osapi.config import client as config_client
from osapi.sdk import errors
from osapi.sdk.raw import RawClient
from osapi.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osapi.cli.terminal import Terminal
    from osapi.config.client import Context
    from osapi.sdk.errors import SdkError
    from osapi.sdk.request import Request, Response

TOKEN_VARIABLE = "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN"  # noqa: S105 - the name, not the token
URL_VARIABLE = "OSAPI_CONTROLLER_CLIENT_URL"


class _Traced(RawClient):
    """Tells on standard error what is sent and how long the answer takes."""

    term: Terminal

    def send(self, request: Request) -> Response:
        begun = time.monotonic()
        trace_id = tracing.ids().get("trace_id")
        self.term.tell(f"> {request.method} {self.address}{request.path}{f' (trace {trace_id})' if trace_id else ''}")
        try:
            response = super().send(request)
        except errors.ApiError as problem:
            self.term.tell(f"< {problem.status} after {(time.monotonic() - begun) * 1000:.0f} ms")
            raise
        self.term.tell(f"< {response.status} after {(time.monotonic() - begun) * 1000:.0f} ms")
        return response


def run(
    work: Callable[[RawClient], int],
    term: Terminal,
    environ: Mapping[str, str],
    *,
    url: str | None,
    osapi_file: str | None,
    as_json: bool = False,
    debug: bool = False,
    asks_hosts: bool = False,
    listing: str = "",
) -> int:
    """Run `work` with a client and return the exit status; failures become a message and a status.

    `asks_hosts` tells that a refusal which names a job is that of the one host that was asked;
    `listing` is the command that lists the things of which one was not found.
    """
    try:
        known = config_client.resolve(url=url, osapi_file=osapi_file, environ=environ)
        client = _client(known, term, debug=debug)
    except Exception as problem:
        if not _is_about_settings(problem):
            raise
        term.tell(f"osapi: {problem}")
        return exit_status.USAGE
    try:
        with client:
            status = traced.run(lambda: work(client), environ, osapi_file=osapi_file)
        term.out.flush()
    except errors.SdkError as problem:
        tell(problem, known, term, as_json=as_json, listing=listing)
        return exit_status.of_error(problem, asks_hosts=asks_hosts)
    except BrokenPipeError:
        _abandon_output()
        return exit_status.USAGE
    except KeyboardInterrupt:
        return exit_status.INTERRUPTED
    except Exception as problem:
        if not _is_about_settings(problem):
            raise
        term.tell(f"osapi: {problem}")
        return exit_status.USAGE
    return status


def tell(problem: SdkError, known: Context, term: Terminal, *, as_json: bool, listing: str = "") -> None:
    """Say on standard error what went wrong and what to do about it."""
    term.out.flush()
    if as_json:
        term.tell(json.dumps(_fields(problem), ensure_ascii=False))
        return
    term.tell(f"osapi: {problem.message}")
    for line in advice(problem, known, listing):
        term.tell(f"  {line}")


def advice(problem: SdkError, known: Context, listing: str = "") -> list[str]:
    """What a person can do about a failure."""
    if isinstance(problem, errors.Unreachable):
        return _about_connection(problem)
    if isinstance(problem, errors.BadAnswer):
        return [f"Something else may listen at this address; name the controller with --url or {URL_VARIABLE}."]
    if isinstance(problem, errors.Unauthenticated):
        return _about_token(known)
    told: list[str] = []
    if isinstance(problem, errors.Unavailable):
        told.append("`osapi client health ready` tells when the controller can take work again.")
    if isinstance(problem, errors.NotFound) and listing:
        told.append(f"See what there is: osapi client {listing}")
    if isinstance(problem, errors.ApiError) and problem.job_id:
        told.append(f"See what became of it: osapi client job get --job-id {problem.job_id}")
    return told


def _about_connection(problem: errors.Unreachable) -> list[str]:
    if not problem.sent:
        return [
            "Is a controller running there? `osapi start` starts one on this machine;",
            f"another one is named with --url or {URL_VARIABLE}.",
        ]
    told = ["It may have been carried out: `osapi client job list` shows the newest jobs."]
    if problem.idempotency_key:
        told.append(f"The same command with --idempotency-key {problem.idempotency_key} finds the same job again.")
    return told


def _about_token(known: Context) -> list[str]:
    if not known.token:
        return [
            "No token is known for this address. `osapi start` saves one for the user who starts it;",
            f"`osapi token generate` makes one; {TOKEN_VARIABLE} passes it on.",
        ]
    return [
        "The token has expired, was revoked, or belongs to another controller; `osapi token validate` reads it,",
        f"`osapi token generate` makes another; {TOKEN_VARIABLE} passes it on.",
    ]


def _fields(problem: SdkError) -> dict[str, object]:
    fields: dict[str, object] = {"error": problem.message}
    if isinstance(problem, errors.ApiError):
        fields |= {"status": problem.status, "code": problem.code, "details": problem.details, "job_id": problem.job_id}
    fields["idempotency_key"] = problem.idempotency_key
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _client(known: Context, term: Terminal, *, debug: bool) -> RawClient:
    if not debug:
        return RawClient(known.url, known.token)
    traced = _Traced(known.url, known.token)
    traced.term = term
    return traced


def _is_about_settings(problem: Exception) -> bool:
    """Whether address, token or settings file are at fault. `contract.errors` is not imported to find out."""
    return isinstance(problem, ValueError) or type(problem).__module__ == "osapi.contract.errors"


def _abandon_output() -> None:
    """Nobody reads on: keep Python from complaining about it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
