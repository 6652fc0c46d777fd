"""What the command operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from osapi.contract.kept import Kept
from osapi.contract.operation import VERBATIM, Change, Timed
from osapi.contract.secret import Secret

Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""Any text without NUL, which no argument of a program can hold."""

Setting = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*=[^\x00]*$")]
"""One variable of the environment as NAME=VALUE."""


class SecretSetting(Secret):
    """One variable of the environment as NAME=VALUE, of which nobody is shown anything."""

    pattern = r"^[A-Za-z_][A-Za-z0-9_]*=[^\x00]*$"
    form = "as NAME=VALUE"


class SecretInput(Secret):
    """Text for the standard input of a program."""

    longest = 262144


SecretSettingText = Annotated[SecretSetting, Meta(extra_json_schema=SecretSetting.schema())]
SecretInputText = Annotated[SecretInput, Meta(extra_json_schema=SecretInput.schema())]


class Surroundings(Timed, kw_only=True):
    """What exec and shell have in common: where, as whom and how long."""

    cwd: Annotated[
        str,
        Meta(
            description="Directory to run in, an absolute path. Default: `/`.",
            max_length=4096,
            pattern=r"^(?:/[^\x00\n]*)?$(?!\n)",
            examples=["/srv/app"],
        ),
    ] = ""
    timeout: Annotated[
        int, Meta(description="Seconds it may take; then everything it started is killed.", ge=1, le=300)
    ] = 30
    user: Annotated[
        str,
        Meta(
            description="Account to run as. Default: the agent's own.",
            max_length=32,
            pattern=r"^(?:[A-Za-z_][A-Za-z0-9_.-]*\$?)?$(?!\n)",
            examples=["www-data"],
        ),
    ] = ""
    env: Annotated[
        list[Setting],
        Meta(
            description="Variables added to a clean environment, each as NAME=VALUE.",
            max_length=256,
            examples=[["LANG=de_DE.UTF-8"]],
            extra={VERBATIM: "the environment that the caller wants for a program of his"},
        ),
    ] = []  # noqa: RUF012 - a struct copies its defaults
    stdin: Annotated[
        str,
        Meta(
            description="Text for its standard input. Default: none.",
            max_length=262144,
            extra={VERBATIM: "what the caller's program reads"},
        ),
    ] = ""
    secret_env: Annotated[
        list[SecretSettingText],
        Meta(
            description="More variables, each as NAME=VALUE, that are sealed to the host and kept nowhere. On the host "
            "itself root and the account of the program can see them while it runs.",
            max_length=256,
            extra={VERBATIM: "the environment that the caller wants for a program of his"},
        ),
    ] = []  # noqa: RUF012 - a struct copies its defaults
    secret_stdin: Annotated[
        SecretInputText | None,
        Meta(
            description="The same as `stdin`, sealed to the host and kept nowhere.",
            extra={"flag": "secret-input", VERBATIM: "what the caller's program reads"},
        ),
    ] = None
    keep_output: Annotated[
        bool,
        Meta(description="Keep all of its output for a while, byte for byte, to be had from `/api/job/{id}/output`."),
    ] = False

    def __post_init__(self) -> None:
        if self.stdin and self.secret_stdin is not None:
            raise ValueError("stdin and secret_stdin exclude one another; give one of them")

    @property
    def input(self) -> str:
        """What goes to its standard input; empty for nothing."""
        return self.stdin if self.secret_stdin is None else self.secret_stdin.reveal()

    @property
    def variables(self) -> dict[str, str]:
        """What is added to its environment."""
        settings = [*self.env, *(setting.reveal() for setting in self.secret_env)]
        return dict(setting.split("=", 1) for setting in settings)


class ExecRequest(Surroundings, kw_only=True):
    """A program with its arguments; no shell takes part."""

    command: Annotated[
        str,
        Meta(
            description="Program to run, by name or absolute path.",
            min_length=1,
            max_length=4096,
            pattern=r"^[^\x00\n]+$(?!\n)",
            examples=["uptime"],
            extra={VERBATIM: "the program that the caller wants to run"},
        ),
    ]
    args: Annotated[
        list[Text],
        Meta(
            description="Arguments, passed exactly as given.",
            max_length=4096,
            examples=[["-p"]],
            extra={VERBATIM: "arguments of the caller's program"},
        ),
    ] = []  # noqa: RUF012 - a struct copies its defaults


class ShellRequest(Surroundings, kw_only=True):
    """Text for `/bin/sh -c`."""

    command: Annotated[
        str,
        Meta(
            description="Text that `/bin/sh` runs.",
            min_length=1,
            max_length=131071,
            pattern=r"^[^\x00]+$",
            examples=["df -h | tail -n +2"],
            extra={"references": "plain", VERBATIM: "the text that the caller wants to run"},
        ),
    ]


class CommandResult(Change, kw_only=True):
    """What a program left behind. An exit status other than 0 is a result, not a failure."""

    stdout: Annotated[
        str, Meta(description="Standard output as UTF-8; when it is too long, the middle is left out and marked.")
    ]
    stderr: Annotated[str, Meta(description="Standard error, likewise.")]
    exit_code: Annotated[
        int | None,
        Meta(
            description="Exit status; 128 and the number of the signal when a signal ended it. Absent if it never ran."
        ),
    ] = None
    signal: Annotated[str, Meta(description="Name of the signal that ended it, for example `SIGKILL`.")] = ""
    duration_ms: Annotated[int, Meta(description="Wall time in milliseconds.")] = 0
    truncated: Annotated[bool, Meta(description="Whether a part of the output was left out.")] = False
    kept: Annotated[list[Kept], Meta(description="What is kept of its output, when that was asked for.")] = []  # noqa: RUF012
