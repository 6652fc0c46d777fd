"""The command line's part of a trace: its beginning, unless $TRACEPARENT names what it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.config import client as config_client
from osapi.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARENT_VARIABLE = "TRACEPARENT"
PATIENCE_S = 2.0
"""How long a command may take to get rid of its trace; people wait for it."""


def run(work: Callable[[], int], environ: Mapping[str, str], *, osapi_file: str | None) -> int:
    """Run `work`, traced if the settings want it. Raises `Invalid` when they want it and cannot be read."""
    if not config_client.may_trace(osapi_file=osapi_file, environ=environ):
        return work()
    from osapi.config import load, source

    settings = load.load(source.locate(osapi_file, environ), environ)
    end = tracing.begin("cli", settings.telemetry.tracing, patience_s=PATIENCE_S)
    try:
        parent = {"traceparent": environ.get(PARENT_VARIABLE, "")}
        with tracing.continued(parent), tracing.span("osapi client"):
            return work()
    finally:
        end()
