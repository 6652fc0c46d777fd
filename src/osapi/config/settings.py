"""All settings of OSAPI in one value, which every program is handed at its start.

Names and meaning are those of the product's field; `docs/compatibility.md` lists where a default is
safer than it was. Reading them is `config.load`, their meaning for files on disk `config.paths`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from osapi.config.agent import Agent
from osapi.config.controller import Controller
from osapi.config.fields import Section
from osapi.config.nats import NatsSettings


class Tracing(Section, frozen=True, kw_only=True):
    """Following one request through all programs."""

    enabled: Annotated[bool, Meta(description="Whether to make traces; on when `debug` is.")] = False
    exporter: Annotated[
        Literal["", "stdout", "otlp"],
        Meta(description="Where traces go; empty: their ids stand in the logs and nothing is sent."),
    ] = ""
    otlp_endpoint: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+)?$",
            description="Address of the collector for `otlp`, over HTTP; without a path `/v1/traces` is added. Empty: "
            "$OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318.",
        ),
    ] = ""


class Log(Section, frozen=True, kw_only=True):
    """What the programs write to standard error."""

    format: Annotated[
        Literal["auto", "console", "json"],
        Meta(description="`console` for people, `json` one object a line; `auto`: console on a terminal, else json."),
    ] = "auto"


class Telemetry(Section, frozen=True, kw_only=True):
    """Logs and traces."""

    tracing: Tracing = Tracing()
    log: Log = Log()


class Settings(Section, frozen=True, kw_only=True):
    """All settings. Every one has a default with which OSAPI starts and is safe."""

    data_dir: Annotated[
        str,
        Meta(
            description="Folder of keys, broker data and ledger. Empty: /var/lib/osapi for root, else osapi in "
            "$XDG_STATE_HOME (~/.local/state)."
        ),
    ] = ""
    insecure: Annotated[
        bool, Meta(description="Allow listening on other than loopback addresses without TLS, as `--insecure` does.")
    ] = False
    debug: Annotated[bool, Meta(description="Log what is dispatched and what needed no change, too.")] = False
    controller: Controller = Controller()
    agent: Agent = Agent()
    nats: NatsSettings = NatsSettings()
    telemetry: Telemetry = Telemetry()
