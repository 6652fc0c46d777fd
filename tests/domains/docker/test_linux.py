"""What cases cannot show: programs that go on, orders to stop, engines that misbehave over time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.domains.cases import as_file, exchanges, part

from osapi.contract.errors import DeadlineExceeded, TooLarge, Unavailable
from osapi.domains.docker import engine, inside
from osapi.domains.docker.image_models import ImagePull
from osapi.domains.docker.linux import provider
from osapi.domains.docker.models import ContainerExec, ContainerFilter
from osapi.host.door import Task
from osapi.host.service import Answered, Ask
from osapi.testing import services
from osapi.testing.host import FakeHost, Setup
from osapi.testing.live import Heard

pytestmark = pytest.mark.anyio

SOCKET = "/run/docker.sock"
WEB = "229bfcfcb328f11e2721319e74fe9c11fa3497cade8d71d61441a7f19c373f9c"
TASK = Task(job_id="job-1", operation="docker")
MARK = b"OSAPI_JOB_ID=job-1\0"
GONE, GOES_ON = {"Running": False, "ExitCode": 137, "Pid": 439}, {"Running": True, "ExitCode": None, "Pid": 439}


def answer(method: str, target: str, content: Any, **other: Any) -> services.Exchange:
    return services.Exchange(
        socket=SOCKET, method=method, target=f"/v1.41{target}", content=msgspec.json.encode(content), **other
    )


def program(*states: services.Exchange, hangs: bool = False) -> list[services.Exchange]:
    """A program in the container `web`, with what the engine says about it."""
    body = {"AttachStdout": True, "AttachStderr": True, "Cmd": ["work"], "Env": ["OSAPI_JOB_ID=job-1"]}
    start = msgspec.json.encode({"Detach": False, "Tty": False})
    return [
        answer("POST", f"/containers/{WEB}/exec", {"Id": "e1"}, status=201, sends=msgspec.json.encode(body)),
        replace(answer("POST", "/exec/e1/start", None, sends=start, hangs=hangs), content=b"\1\0\0\0\0\0\0\3out"),
        *states,
    ]


def host_with(own: Sequence[services.Exchange], files: dict[str, str] | None = None) -> FakeHost:
    given = {"/state/web": "running", **(files or {})}
    return FakeHost(
        Setup(
            exchanges=[*own, *exchanges(part("docker", "docker")), *exchanges(part("docker", "web"))],
            files={path: as_file(text) for path, text in given.items()},
        )
    )


async def test_a_program_that_goes_on_without_output_is_waited_for() -> None:
    running, ended = {"/state/program": b"runs"}, {"/state/program": b"ended"}
    states = (
        answer("GET", "/exec/e1/json", GOES_ON, when=running, sets=ended),
        answer("GET", "/exec/e1/json", {"Running": False, "ExitCode": 4, "Pid": 439}, when=ended),
    )
    host = host_with(program(*states), {"/state/program": "runs"})
    result = await provider(host.for_task(TASK)).execute(ContainerExec(id="web", command=["work"]))
    assert (result.stdout, result.exit_code) == ("out", 4)
    host.close()


async def test_a_program_that_goes_on_for_too_long_is_killed() -> None:
    states = (
        answer("GET", "/exec/e1/json", GOES_ON, when={"/proc/439/environ": MARK}),
        answer("GET", "/exec/e1/json", GONE, when={"/proc/439/environ": None}),
    )
    host = host_with(program(*states), {"/proc/439/environ": MARK.decode()})
    with pytest.raises(DeadlineExceeded, match="work in container web took longer than 1 s and was stopped"):
        await provider(host.for_task(TASK)).execute(ContainerExec(id="web", command=["work"], timeout=1))
    assert "/proc/439/environ" not in host.snapshot()
    host.close()


async def test_one_that_cannot_be_found_is_said_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "STOP_S", 0.2)
    host = host_with(program(answer("GET", "/exec/e1/json", GOES_ON), hangs=True))
    with pytest.raises(DeadlineExceeded, match="took longer than 30 s and may still run there") as caught:
        await provider(host.for_task(TASK)).execute(ContainerExec(id="web", command=["work"]))
    assert caught.value.details == {"changed": True, "stdout": "out", "stderr": ""}
    host.close()


async def test_an_order_to_stop_reaches_the_program() -> None:
    states = (
        answer("GET", "/exec/e1/json", GOES_ON, when={"/proc/439/environ": MARK}),
        answer("GET", "/exec/e1/json", GONE, when={"/proc/439/environ": None}),
    )
    host = host_with(program(*states), {"/proc/439/environ": MARK.decode()})
    working = asyncio.ensure_future(
        provider(host.for_task(TASK)).execute(ContainerExec(id="web", command=["work"], timeout=60))
    )
    while "/exec/e1/json" not in [ask.target.removeprefix("/v1.41") for ask in host.asked]:
        await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert "/proc/439/environ" not in host.snapshot()
    host.close()


async def test_a_program_does_not_outlive_the_connection_to_its_engine() -> None:
    host = host_with(program(answer("GET", "/exec/e1/json", GOES_ON)), {"/proc/439/environ": MARK.decode()})
    view = host.for_task(TASK)
    asked = view.ask

    async def breaks_off(ask: Ask) -> Answered:
        answered = await asked(ask)
        if ask.target.endswith("/start"):
            raise Unavailable("the connection broke off")
        return answered

    view.ask = breaks_off  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await provider(view).execute(ContainerExec(id="web", command=["work"]))
    assert "/proc/439/environ" not in host.snapshot()
    host.close()


async def test_output_and_progress_are_passed_on_as_they_come() -> None:
    heard = Heard()
    task = replace(TASK, live=heard)
    host = host_with(program(answer("GET", "/exec/e1/json", {"ExitCode": 0, "Pid": 1})))
    await provider(host.for_task(task)).execute(ContainerExec(id="web", command=["work"]))
    assert heard.texts == {"stdout": b"out"}
    host.close()


async def test_podman_tells_only_afterwards_that_an_image_was_current() -> None:
    podman = "/run/podman/podman.sock"
    image = {"Id": "aa", "RepoTags": ["probe:1"], "RepoDigests": [f"probe@sha256:{'1' * 64}"], "Size": 1}
    steps = b'{"status": "Trying to pull"}\n{"status": "Already exists", "id": "x"}\n'
    answers = [
        *exchanges(part("docker", "podman")),
        replace(answer("GET", "/images/probe:1/json", image), socket=podman),
        services.Exchange(
            socket=podman, method="POST", target="/v1.41/images/create?fromImage=probe&tag=1", content=steps
        ),
    ]
    heard = Heard()
    host = FakeHost(Setup(exchanges=answers))
    task = replace(TASK, live=heard)
    pulled = await provider(host.for_task(task)).pull(ImagePull(image="probe:1"))
    assert (pulled.changed, pulled.diff, pulled.image_id) == (False, "", "sha256:aa")
    assert heard.texts == {"progress": b"Trying to pull\nx: Already exists\n"}
    host.close()


async def test_an_answer_that_is_too_long_is_not_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ANSWER_LIMIT", 100)
    long = [{"Id": "a" * 64, "Image": "x", "ImageID": "y", "State": "running", "Created": 1} for _ in range(9)]
    host = host_with([answer("GET", "/containers/json?all=true", long)])
    with pytest.raises(TooLarge, match="cannot list the containers"):
        await provider(host).containers(ContainerFilter())
    host.close()
