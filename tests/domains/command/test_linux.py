"""Commands on the real host: what no fake can show."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from osapi.contract import masking
from osapi.contract.errors import DeadlineExceeded, NotFound
from osapi.domains.command.linux import JSON_LIMIT, decide, provider
from osapi.domains.command.models import CommandResult, ExecRequest, SecretInput, SecretSetting, ShellRequest
from osapi.domains.command.provider import CommandProvider
from osapi.host.door import Task
from osapi.host.identity import Claims
from osapi.host.local import open_host

pytestmark = pytest.mark.anyio


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[CommandProvider]:
    host = await open_host(tmp_path, claims=Claims(machine_id="test", labels={}))
    yield provider(host.for_task(Task(job_id="job-1", operation="command")))
    host.close()


async def test_the_shell_runs_the_text(command: CommandProvider) -> None:
    done = await command.shell(ShellRequest(command="echo $((1 + 2)); echo no >&2; exit 4"))
    assert (done.stdout, done.stderr, done.exit_code) == ("3\n", "no\n", 4)


async def test_text_that_begins_with_a_hyphen_is_text(command: CommandProvider) -> None:
    assert (await command.shell(ShellRequest(command="-n; echo x"))).stdout == "x\n"


@pytest.mark.parametrize("text", ["$(touch {0})", "`touch {0}`", "; touch {0}", "| touch {0}", "\ntouch {0}", "-o {0}"])
async def test_arguments_are_never_interpreted(command: CommandProvider, tmp_path: Path, text: str) -> None:
    canary = tmp_path / "canary"
    argument = text.format(canary)
    done = await command.execute(ExecRequest(command="printf", args=["%s", argument]))
    assert done.stdout == argument
    assert not canary.exists()


async def test_the_job_is_known_to_the_program(command: CommandProvider) -> None:
    assert (await command.shell(ShellRequest(command="echo $OSAPI_JOB_ID"))).stdout == "job-1\n"


async def test_input_environment_and_directory_are_as_asked(command: CommandProvider, tmp_path: Path) -> None:
    request = ShellRequest(command="pwd; echo $A; cat", cwd=str(tmp_path), env=["A=1=2"], stdin="text")
    assert (await command.shell(request)).stdout == f"{tmp_path}\n1=2\ntext"


async def test_secret_input_and_variables_reach_the_program_as_others_do(command: CommandProvider) -> None:
    request = ShellRequest(
        command='echo "$A $B"; cat',
        env=["A=1"],
        secret_env=[SecretSetting("B=two=2")],
        secret_stdin=SecretInput("text"),
    )
    assert (await command.shell(request)).stdout == "1 two=2\ntext"
    assert "two=2" not in repr(request) + repr(decide(("sh",), request))


@pytest.mark.parametrize(
    "fields", [{"stdin": "a", "secret_stdin": "b"}, {"secret_env": ["1=a"]}, {"secret_env": ["a"]}]
)
def test_secrets_that_do_not_fit_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"command": "x", **fields}, ShellRequest, dec_hook=masking.read)


async def test_time_running_out_tells_the_output_so_far(command: CommandProvider) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        await command.shell(ShellRequest(command="sleep 100 & echo x", timeout=1))
    assert time.monotonic() - started < 10
    partial = msgspec.convert(caught.value.details, CommandResult)
    assert partial.stdout == "x\n"
    assert partial.duration_ms >= 1000


@pytest.mark.parametrize("text", ["yes", "cat /dev/zero", "cat /dev/urandom", "yes '\033' | tr -d '\n'"])
async def test_giant_output_of_any_kind_fits_into_a_message(command: CommandProvider, text: str) -> None:
    request = ShellRequest(command=f"{{ {text}; }} | head -c 3000000")
    done = await command.shell(request)
    assert done.truncated
    assert len(msgspec.json.encode(done)) < 1_000_000
    assert len(msgspec.json.encode(done.stdout)) <= JSON_LIMIT


async def test_a_program_that_is_not_there_is_not_found(command: CommandProvider) -> None:
    with pytest.raises(NotFound, match="no-such-program"):
        await command.execute(ExecRequest(command="no-such-program"))
