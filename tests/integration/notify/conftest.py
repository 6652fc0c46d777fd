"""Controllers that tell, and receivers that are told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NatsServer
from tests.integration.controller.kit import ControllerProcess, free_port
from tests.sinks import HttpSink, MailSink, http_sink, mail_sink

SECRET = "hunter2secret"
Made = Callable[..., ControllerProcess]


@pytest.fixture
def web() -> Iterator[tuple[HttpSink, int]]:
    with http_sink() as made:
        yield made


@pytest.fixture
def mail() -> Iterator[tuple[MailSink, int]]:
    port = free_port()
    with mail_sink(port) as sink:
        yield sink, port


@pytest.fixture
def telling(nats_server: NatsServer, tmp_path: Path, web: tuple[HttpSink, int]) -> Iterator[Made]:
    """`telling(**notifications)`: one more controller on the same broker that tells the HTTP sink.

    `api` are settings of its API, and `like` is a controller whose keys it has.
    """
    made: list[ControllerProcess] = []

    def make(
        *, api: dict[str, Any] | None = None, like: ControllerProcess | None = None, **section: Any
    ) -> ControllerProcess:
        urls = {"web": {"url": f"json://anna:{SECRET}@127.0.0.1:{web[1]}/"}, **section.pop("notifiers", {})}
        notifications = {"enabled": True, "notifier": "web", "notifiers": urls, "group_window": "1s", **section}
        settings: dict[str, Any] = {
            "api": api or {},
            "controller": {"notifications": notifications},
            "agent": {"heartbeat_interval": "1s"},
            "nats": {"registry": {"ttl": "2s"}},
        }
        process = ControllerProcess(tmp_path / f"controller-{len(made)}", nats_server.settings, settings)
        made.append(process)
        for keys in ("pki", "keys") if like is not None else ():
            shutil.copytree(like.folder / "data" / keys, process.folder / "data" / keys)
        process.start()
        return process

    yield make
    for process in made:
        process.end()
